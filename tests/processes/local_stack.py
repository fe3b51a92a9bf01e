"""The local stack that stays, with its console, and a Chromium to look at it."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import requests

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STARTED_WITHIN = 50.0

EVENT = json.loads((ROOT / "tests" / "events" / "plain-structured.json").read_text(encoding="utf-8"))


class LocalStack:
    """`deploy/local/up` with one event, in a folder of its own for whatever it writes."""

    def __init__(self, folder: Path, *arguments: str, **settings: str) -> None:
        self._output = folder / "output.txt"
        event = str(ROOT / "tests" / "events" / "plain-structured.json")
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local", *(arguments or [event])],
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), **settings},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + STARTED_WITHIN
        while "How events end" not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)
        self.url = self._said(r"Console +(\S+)")
        self.ims, self.function = self._said(r"IMS=(\S+)"), self._said(r"FUNCTION=(\S+)")
        self.bus = self._said(r"bus +(nats://\S+)")
        self.token = self._said(r"OS_TOKEN=(\S+)")
        self.rules = Path(settings.get("RULES", ""))

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def _said(self, pattern: str) -> str:
        found = re.search(pattern, self.output)
        assert found, self.output
        return found[1]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(40)

    def create(self, name: str) -> str:
        """Has the cloud create an image, and gives its id; its event comes over the bus."""
        headers = {"X-Auth-Token": self.token}
        reply = requests.post(f"{self.ims}/v2/images", json={"name": name}, headers=headers, timeout=10)
        return str(reply.json()["id"])

    def control(self, method: str, path: str, given: object = None) -> Any:
        reply = requests.request(method, f"{self.ims}/_emulator/{path}", json=given, timeout=10)
        assert reply.ok, reply.text
        return reply.json() if reply.content else None

    def fault(self, times: int, **fields: Any) -> None:
        """The next so many calls that write tags go wrong."""
        self.control("POST", "faults", {"times": times, "match": {"path": "/v1/cloudimages/tags"}, **fields})

    def post(self, event: object, content_type: str = "application/cloudevents+json") -> int:
        """Posts something straight to the function, and gives the status."""
        headers = {"Content-Type": content_type}
        return requests.post(self.function, data=json.dumps(event), headers=headers, timeout=10).status_code

    def publish(self, *events: object) -> None:
        """Publishes events on the bus."""
        files = [self._output.with_name(f"event-{number}.json") for number in range(len(events))]
        for file, event in zip(files, events, strict=True):
            file.write_text(json.dumps(event))
        command = [sys.executable, str(ROOT / "main.py"), "send", *map(str, files), "--to", self.bus]
        command += ["--rate", "1000"]
        subprocess.run(command, env={}, check=True, stdout=subprocess.DEVNULL)

    def event(self, name: str) -> dict[str, Any]:
        """An event about an image of this name, which exists."""
        image_id = str(uuid4())
        self.control("POST", "images", {"id": image_id, "attributes": {"name": name}})
        data = {**EVENT["data"], "image_id": image_id, "name": name}
        return {**EVENT, "id": str(uuid4()), "subject": image_id, "data": data}


@contextmanager
def local_stack(folder: Path, *arguments: str, **settings: str) -> Iterator[LocalStack]:
    stack = LocalStack(folder, *arguments, **settings)
    try:
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """One for the tests of a file, with a table of its own; what is in it is what tests before have left.

    It would be busy until the end of all tests: it looks at its logs many times a second.
    """
    folder = tmp_path_factory.mktemp("stack")
    rules = Path(shutil.copy(ROOT / "handlers" / "rules.toml", folder))
    with local_stack(folder, RULES=str(rules)) as running:
        yield running


NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A Chromium: the machine's own, or else the one that Playwright has installed.

    While it runs, Playwright has an event loop in the thread of the tests, and no other can run there.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    own = next(filter(None, map(shutil.which, NAMES)), None)
    with playwright.sync_playwright() as driver:
        if own is None and not Path(driver.chromium.executable_path).exists():
            pytest.skip("there is no Chromium here; install the package chromium of Debian, for example")
        # The sandbox of Chromium refuses root, as whom tests run in containers.
        browser = driver.chromium.launch(executable_path=own, args=["--no-sandbox"])
        yield browser
        browser.close()
