"""The pages that operators follow, and what they promise."""

import re

from handlers.edges.settings.settings import Settings
from tests.support.pages import PAGES
from tests.support.paths import ROOT

PAGE = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.is_relative_to(ROOT / "deploy"))

NOT_READY_WINDOW = Settings.from_environ(
    {"IMS_ENDPOINT": "https://ims.example.com", "OS_TOKEN": "token"}
).not_ready_window
"""Seconds that an event counts as young; retries have to last longer."""


def longest_outage(platform: str) -> int:
    """The seconds of the platform's row in the table."""
    found = re.search(rf"^\| {platform} \|[^|]*\| (\d+) s \|", PAGE, re.MULTILINE)
    assert found, f"no row for {platform}"
    return int(found[1])


def rights(user: str) -> dict[str, list[str]]:
    """What a user of NATS may publish and subscribe to."""
    command = re.search(rf"nsc add user --account IMAGES --name {user}(.*)", PAGE.replace("\\\n", " "))
    assert command, f"no command for {user}"
    allowed = re.findall(r"--allow-(pub|sub) '([^']+)'", command[1])
    return {
        "publish": [subject for kind, subject in allowed if kind == "pub"],
        "subscribe": [subject for kind, subject in allowed if kind == "sub"],
    }
