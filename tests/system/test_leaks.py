"""What must not leave: words of others in errors and tracebacks, session keys, and a door that stands
open.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from handlers.core.errors import TagApiUnavailable, UnexpectedReply
from handlers.edges.credentials.metadata_service import MetadataService
from handlers.edges.http.client import HttpClient
from handlers.edges.log import log_to_stdout
from handlers.edges.settings import DeliverySettings, InvalidSetting
from handlers.edges.sinks import file_sink
from tests.processes.emulator import Ims
from tests.processes.function import Serve
from tests.processes.launch import FRAMEWORK
from tests.processes.scripted_server import NO_CONTENT, answer, peer
from tests.support.paths import ROOT

KEYS = '{"credential": {"access": "%s", "secret": "s", "securitytoken": "t", "expires_at": "%s"}}'
GARBAGE = {
    "a token of two lines": [answer(200, b"one\ntwo-garbage")],
    "a page instead of a token": [answer(200, b"<html> garbage </html>")],
    "a token that is not ASCII": [answer(200, "garbäge".encode())],
    "keys of two lines": [
        answer(404),
        answer(200, (KEYS % ("a\\ngarbage", "2999-01-01T00:00:00Z")).encode()),
    ],
    "no date": [answer(404), answer(200, (KEYS % ("a", "garbage")).encode())],
    "a date that overflows": [
        answer(404),
        answer(
            200, (KEYS % ("a", "9" * 400)).encode(), Date="Mon, 99 Jan 99999999999999999999 00:00:00 garbage"
        ),
    ],
}


@pytest.mark.parametrize("answers", GARBAGE.values(), ids=GARBAGE)
def test_garbage_of_the_metadata_service(answers: list[bytes]) -> None:
    """Whatever answers there, it is an error of the tree, and its words are not in it."""
    with peer(*answers) as service, pytest.raises(UnexpectedReply) as caught:
        MetadataService(service.url).keys(time.monotonic() + 5)
    assert "garb" not in str(caught.value)


def test_a_date_of_its_own_that_overflows() -> None:
    """A `Date` that no calendar has counts as absent."""
    keys = answer(
        200, (KEYS % ("a", "2999-01-01T00:00:00Z")).encode(), Date=f"Mon, 01 Jan {'9' * 30} 00:00:00 GMT"
    )
    with peer(answer(404), keys) as service:
        found, seconds = MetadataService(service.url).keys(time.monotonic() + 5)
    assert (found.access, seconds > 0) == ("a", True)


def test_tracebacks_hold_places(capsys: pytest.CaptureFixture[str]) -> None:
    """The words of an exception, and of those before it, may hold what was sent."""

    def fails() -> None:
        try:
            int("canary-1")
        except ValueError:
            raise RuntimeError("canary-2") from None

    with pytest.raises(RuntimeError) as caught:
        fails()
    log_to_stdout("info")("event.retry", severity="ERROR", error=caught.value)
    line = json.loads(capsys.readouterr().out)
    assert "canary" not in json.dumps(line)
    assert line["traceback"][0] == "RuntimeError"
    assert re.fullmatch(r".*test_leaks\.py:\d+ test_tracebacks_hold_places", line["traceback"][1])


def test_no_session_keys(certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the environment steers the client, not even SSLKEYLOGFILE."""
    keys = tmp_path / "session-keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    with peer(NO_CONTENT, certificate=certificate) as server:
        client = HttpClient("the peer", "IMS_ENDPOINT", proxy=None, ca_bundle=certificate.with_suffix(".crt"))
        request = requests.Request("GET", server.url).prepare()
        assert client.send(request, time.monotonic() + 5).status == 204
        strict = HttpClient("the peer", "IMS_ENDPOINT", proxy=None, ca_bundle=None)
        with pytest.raises(TagApiUnavailable):
            strict.send(request, time.monotonic() + 5)
    assert not keys.exists()


@pytest.mark.parametrize("setting", ["EVENTS_TOKEN", "EVENTS_TOKEN_FILE"])
@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_a_blank_token_opens_no_door(setting: str, value: str, tmp_path: Path) -> None:
    """Set but blank, by name or in its file, stops the start."""
    if setting.endswith("_FILE"):
        path = tmp_path / "token"
        path.write_text(value)
        value = str(path) if value == "\n" else value
    with pytest.raises(InvalidSetting, match="EVENTS_TOKEN"):
        DeliverySettings.from_environ({setting: value})


def test_a_blank_token_stops_the_process(ims: Ims) -> None:
    """The process ends with 2, which says to a service manager that another start would end the same."""
    ended = subprocess.run(
        [FRAMEWORK, "--source", "main.py", "--target", "tag_created_image", "--port", "0"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "IMS_ENDPOINT": ims.url, "OS_TOKEN": ims.token, "EVENTS_TOKEN": " "},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch("the function does not start: EVENTS_TOKEN [^\n]+\n", ended.stderr)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://smn.example/?token=1", True),
        ("javascript:alert(1)", False),
        (f"https://x/{'a' * 5000}", False),
    ],
)
def test_an_address_to_confirm(serve: Serve, url: str, *, shown: bool) -> None:
    """A person has to open the address of a topic's confirmation, so it is logged where it can be one."""
    function = serve()
    message = {"type": "SubscriptionConfirmation", "topic_urn": "t", "message_id": "1", "subscribe_url": url}
    assert function.post(message, content_type="application/json").status_code == 204
    [line] = function.lines()
    assert (url in line["detail"]) is shown
    assert len(line["detail"]) < 1200


def test_a_new_file_of_dead_letters_has_a_durable_name(tmp_path: Path) -> None:
    """The folder is synced before a new file has content: without its name a power loss would take it."""
    program = (
        "import os, sys, time, pathlib\n"
        "synced, fsync = [], os.fsync\n"
        "def noted(file): synced.append(os.readlink(f'/proc/self/fd/{file}')); fsync(file)\n"
        "os.fsync = noted\n"
        "from handlers.edges.sinks import file_sink\n"
        "store = file_sink(pathlib.Path(sys.argv[1]))\n"
        "store([b'{}\\n'], time.monotonic() + 5); store([b'{}\\n'], time.monotonic() + 5)\n"
        "print(*synced)\n"
    )
    path = tmp_path / "dead-letters.jsonl"
    ran = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == [str(tmp_path), str(path), str(path)]
    file_sink(path)([b"{}\n"], time.monotonic() + 5)
    assert path.read_bytes() == b"{}\n" * 3
