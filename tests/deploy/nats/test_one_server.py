"""One server of NATS, as the page begins with: from an event or a trace to a tagged image, on one machine."""

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.bus import Subscribing, eventually
from tests.processes.emulator import Ims
from tests.processes.function import Serve
from tests.processes.launch import Process, free_port, listens
from tests.support.deploy_page import PAGE
from tests.support.paths import ROOT

CONFIGURATION = ROOT / "deploy" / "nats" / "one-server.conf"
EVENT = ROOT / "tests" / "events" / "plain-structured.json"
TOKEN = "token-of-the-function"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server with the configuration that ships, in a folder of the test."""
    port = free_port()
    text = CONFIGURATION.read_text(encoding="utf-8")
    for shipped, here in (("127.0.0.1:4222", f"127.0.0.1:{port}"), ("/var/lib/nats", f"{tmp_path}/store")):
        assert shipped in text
        text = text.replace(shipped, here)
    (tmp_path / "conf").write_text(text, encoding="utf-8")
    program = str(Path(sysconfig.get_path("scripts")) / "nats-server")
    process = Process(tmp_path / "log", program, "--config", str(tmp_path / "conf"))
    eventually(lambda: listens(port), "start of the server")
    yield f"nats://127.0.0.1:{port}"
    process.process.terminate()
    process.process.wait(20)


@pytest.fixture
def tagging(server: str, serve: Serve, subscribing: type[Subscribing], tmp_path: Path) -> str:
    """The server with a subscription that delivers to a function, which wants a token."""
    function = serve(EVENTS_TOKEN=TOKEN)
    (tmp_path / "token").write_text(TOKEN)
    subscription = subscribing(
        NATS_URL=server, SUBSCRIBER_URL=function.url, SUBSCRIBER_TOKEN_FILE=str(tmp_path / "token")
    )
    subscription.logged("subscription.ready")
    return server


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def test_event(tagging: str, ims: Ims) -> None:
    """The event that the page sends is published, delivered and handled."""
    command = re.search(r"^\.venv/bin/python (main\.py send .*)$", PAGE, re.MULTILINE)
    assert command
    image_id = ims.image(id="62a15f6c-9197-44d2-89c7-708981c1bec1")
    assert image_id in EVENT.read_text(encoding="utf-8")
    sent = run(*command[1].replace("nats://127.0.0.1:4222", tagging).split())
    assert (sent.returncode, sent.stderr) == (0, "")
    eventually(lambda: ims.tags(image_id), "tags of the image")


def test_trace(tagging: str, ims: Ims, tmp_path: Path) -> None:
    """A created image is tagged by way of Cloud Trace Service, the command that asks it, and the bus."""
    job_id = ims.create("prod-web")
    eventually(lambda: ims.job(job_id)["status"] == "SUCCESS", "end of the job")
    image_id = ims.job(job_id)["entities"]["image_id"]
    unit = (ROOT / "deploy" / "replay" / "image-tagger-replay.service").read_text(encoding="utf-8")
    found = re.search(r"python (main\.py images replay .*)\n", unit.replace("\\\n", " "))
    assert found
    given = {"${TO}": tagging, "${STATE_DIRECTORY}": str(tmp_path), "$OPTIONS": ""}
    line = re.sub(r"\$\{\w+\}|\$\w+", lambda variable: given[variable[0]], found[1])
    settings = {"IMS_ENDPOINT": ims.url, "CTS_ENDPOINT": ims.url, "OS_TOKEN": ims.token}
    environ = {"PATH": os.environ["PATH"], "PROJECTS": ims.project_id, **settings}
    with subprocess.Popen(
        [sys.executable, *line.split()], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
    ) as replay:
        try:
            eventually(lambda: ims.tags(image_id).get("created-by") == "ada", "the tag of the creator")
        finally:
            replay.terminate()
    assert replay.returncode == 0
