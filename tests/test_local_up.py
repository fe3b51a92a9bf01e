"""`deploy/local/up` as a newcomer meets it: the samples, own events, and everything that can be wrong."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UP = [sys.executable, "-m", "deploy.local"]
EVENT = json.loads((ROOT / "tests" / "events" / "plain-structured.json").read_text(encoding="utf-8"))

Up = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def up(tmp_path: Path) -> Up:
    """Runs the command to its end, with its temporary files where they can be seen."""

    def run(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path), **settings}
        command = [*UP, *map(str, arguments)]
        ended = subprocess.run(
            command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=55, check=False
        )
        assert "Traceback" not in ended.stdout + ended.stderr
        return ended

    return run


def still_open(output: str) -> list[str]:
    """The addresses in the output at which something still answers."""

    def answers(port: str) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(port))) == 0

    ports = set(re.findall(r"127\.0\.0\.1:(\d+)", output))
    assert ports
    return sorted(filter(answers, ports))


def test_samples(up: Up, tmp_path: Path) -> None:
    """Every sample ends as it should; all the ends there are can be seen; nothing is left behind."""
    ended = up("--once")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for seen in (
        "an image is created in IMS\n    tagged, 1 attempt\n",
        "a plain CloudEvent in binary mode\n    tagged, 1 attempt\n",
        "a plain CloudEvent in structured mode\n    tagged, 1 attempt\n",
        "    ignored, 1 attempt\n    why   NotCreated: ",
        "    tagged, 2 attempts\n",
        "    dead-letter, 1 attempt\n    why   InvalidEvent: ",
        "all as they should be.",
    ):
        assert seen in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80
    assert list(tmp_path.iterdir()) == []
    assert still_open(ended.stdout) == []


def test_own_events(up: Up, tmp_path: Path) -> None:
    """Events of one's own are sent instead, under a table of one's own; a dead letter is exit code 1."""
    (tmp_path / "mine.json").write_text(json.dumps(EVENT))
    (tmp_path / "wrong.json").write_text(json.dumps(EVENT | {"id": "other", "subject": "x", "data": {}}))
    (tmp_path / "rules.toml").write_text('[[rule]]\ntags.mine = "{{ image.name }}"\n')
    ended = up("--once", "mine.json", "wrong.json", RULES="rules.toml")
    assert ended.returncode == 1
    assert "mine.json\n    tagged, 1 attempt\n" in ended.stdout
    assert "tags  mine=prod-web-base" in ended.stdout
    assert "wrong.json\n    dead-letter, 1 attempt\n    why   InvalidEvent" in ended.stdout
    assert "FAULT it is dead-letter" in ended.stdout
    assert "an image is created" not in ended.stdout
    assert "The logs are in " in ended.stderr


NO_EVENTS = {
    "missing": ("missing.json", None, "cannot be read"),
    "folder": (".", None, "cannot be read"),
    "not JSON": ("text.json", b"text", "is not JSON"),
    "binary": ("binary.json", b"\x80\x81\x00", "is not JSON"),
    "no event": ("object.json", b'{"a": 1}', "holds no event"),
    "an array": ("array.json", b"[]", "holds no event"),
    "no id": ("anonymous.json", b'{"specversion": "1.0"}', "holds no event"),
    "binary mode without headers": ("nothing.http", b"\n\n{}", "holds no event"),
}


@pytest.mark.parametrize(("name", "content", "says"), NO_EVENTS.values(), ids=NO_EVENTS)
def test_no_event(up: Up, tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    """A file that holds no event is one sentence and exit code 2, before anything starts."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    ended = up("--once", name)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(name)
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_function_does_not_start(up: Up, tmp_path: Path) -> None:
    """Where a part does not start, its own last words say why, and the rest stops."""
    (tmp_path / "rules.toml").write_text("[[rule]\n")
    ended = up("--once", RULES="rules.toml")
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "The function did not start: the function does not start: rules.toml: it is not TOML"
    )
    assert still_open(ended.stdout) == []


def test_stays_up(tmp_path: Path) -> None:
    """Without --once it stays, tells of further events, and a signal stops everything with exit code 0."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    (tmp_path / "mine.json").write_text(json.dumps(EVENT))
    with subprocess.Popen(
        [*UP, "mine.json"], env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        started = next(line for line in lines if line.startswith("  subscription "))
        exports = next(line for line in lines if line.startswith("  export IMS="))
        token = next(lines).strip()
        next(line for line in lines if line.startswith("What becomes of events"))
        create = 'curl -sf $IMS/v2/images -H "X-Auth-Token: $OS_TOKEN" -d \'{"name": "prod-x"}\''
        subprocess.run(
            ["bash", "-ec", f"{exports.strip()}; {token}; {create}"], capture_output=True, check=True
        )
        assert next(line for line in lines if "tagged, 1 attempt" in line)
        assert "created-for=production" in next(lines)
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    assert still_open(started) == []
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]


def test_ports_in_use(up: Up) -> None:
    """A port that is taken is no fault: the next free one is used."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Where somebody else has the port already, that serves as well.
        with suppress(OSError):
            taken.bind(("127.0.0.1", 4222))
            taken.listen()
        ended = up("--once", ROOT / "tests" / "events" / "plain-structured.json")
    assert ended.returncode == 0
    assert "nats://127.0.0.1:4222\n" not in ended.stdout
