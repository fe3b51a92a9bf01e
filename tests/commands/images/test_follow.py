"""`images replay --follow`: Cloud Trace Service as an event source, as a process that is ended and killed."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handlers.commands.images.place import OVERLAP, Place
from tests.commands.images.test_replay import accepting, received, trace
from tests.processes.bus import Answer, HttpSubscriber
from tests.processes.emulator import Ims
from tests.processes.launch import eventually, free_port
from tests.support.paths import ROOT

__all__ = ["accepting"]

# A look each minute is too rare for tests.
PROGRAM = """
import os, sys
from handlers.commands import main
from handlers.commands.images import follow
follow.LOOK_EVERY = 0.1
follow.PAUSE_MAX = 0.2
sys.exit(main(sys.argv[1:], os.environ))
"""

Follow = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def follow(ims: Ims, tmp_path: Path) -> Iterator[Follow]:
    """`follow(url, limit="...")` starts it with its state in `tmp_path`."""
    running = list[subprocess.Popen[str]]()

    def start(url: str, *arguments: str, shell: str = "", **environ: str) -> subprocess.Popen[str]:
        settings = {
            "IMS_ENDPOINT": ims.url,
            "CTS_ENDPOINT": ims.url,
            "OS_TOKEN": ims.token,
            "PROJECTS": ims.project_id,
        }
        command = [sys.executable, "-c", PROGRAM, "images", "replay", "--follow", "--to", url]
        command += ["--state", str(tmp_path / "state.json"), "--rate", "1000", *arguments]
        if shell:
            command = ["bash", "-c", f'{shell}; exec "$@"', "bash", *command]
        running.append(
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=settings | environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return running[-1]

    yield start
    for each in running:
        with each:
            each.kill()


def state(tmp_path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((tmp_path / "state.json").read_text())
    return read


def ended(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0, out
    return out


def test_each_trace_once(follow: Follow, ims: Ims, accepting: HttpSubscriber, tmp_path: Path) -> None:
    """New traces and late ones are sent once each, also over a restart, and SIGTERM ends it cleanly."""
    ims.control("POST", "traces", {"traces": [trace(1, 40), trace(2, 1)]})
    first = follow(accepting.url)
    accepting.wait(2)
    ims.control("POST", "traces", {"traces": [trace(3, 20), trace(4, 0)]})
    accepting.wait(4)
    assert "Ended by a signal: 4 tagged" in ended(first)
    second = follow(accepting.url)
    ims.control("POST", "traces", {"traces": [trace(5, 25)]})
    accepting.wait(5)
    assert "1 tagged" in ended(second)
    assert received(accepting) == ["trace-1", "trace-2", "trace-3", "trace-4", "trace-5"]
    assert "trace-5" in state(tmp_path)["sent"]


def test_killed(follow: Follow, ims: Ims, accepting: HttpSubscriber) -> None:
    """After SIGKILL at any event, every trace is sent, and at most the one of that moment again."""
    ims.control("POST", "traces", {"traces": [trace(n, 30 - n / 10) for n in range(60)]})
    kills = 0
    while (sent := len(set(received(accepting)))) < 60:
        process = follow(accepting.url)
        enough = min(60, sent + 9)
        eventually(lambda enough=enough: len(set(received(accepting))) >= enough, "more traces")  # type: ignore[misc]
        process.kill()
        process.wait()
        kills += 1
    assert kills > 1
    names = received(accepting)
    assert set(names) == {f"trace-{n}" for n in range(60)}
    assert len(names) <= 60 + kills


def test_outages(follow: Follow, ims: Ims, http_subscriber: HttpSubscriber) -> None:
    """It bears a function that refuses or fails and a service that fails, and sends all in order."""
    answers = [Answer(401), Answer(503, {"Retry-After": "0"}), Answer(429, {"Retry-After": "0"})]
    tagged = Answer(204, {"Tagging-Outcome": "tagged"})
    http_subscriber.answer = lambda _: answers.pop(0) if answers else tagged
    ims.control("POST", "traces", {"traces": [trace(1, 9), trace(2, 8)]})
    process = follow(http_subscriber.url)
    http_subscriber.wait(5)
    path = f"/v3/{ims.project_id}/traces"
    ims.control("POST", "faults", {"match": {"path": path}, "status": 400, "code": "CTS.0003", "times": 2})
    eventually(lambda: ims.control("GET", "faults")["faults"][0]["applied"], "the fault")
    ims.control("POST", "traces", {"traces": [trace(3, 0)]})
    http_subscriber.wait(6)
    said = ended(process)
    assert received(http_subscriber) == ["trace-1"] * 4 + ["trace-2", "trace-3"]
    assert "the function wants another token" in said
    assert "cannot be read" in said


def test_a_function_that_is_away(follow: Follow, ims: Ims, tmp_path: Path) -> None:
    """While nobody serves --to it waits, and SIGTERM ends the wait at once; the trace stays undone."""
    ims.control("POST", "traces", {"traces": [trace(1)]})
    process = follow(f"http://127.0.0.1:{free_port()}/")
    assert process.stdout
    assert "was not reached" in process.stdout.readline()
    ended(process)
    assert state(tmp_path)["sent"] == {}


def test_a_refused_event(follow: Follow, ims: Ims, http_subscriber: HttpSubscriber) -> None:
    """An event that the function refuses for good is named once, and is not sent again."""
    too_large = Answer(413, {}, b"the body is too large")
    tagged = Answer(204, {"Tagging-Outcome": "tagged"})
    http_subscriber.answer = lambda request: too_large if request.headers["ce-id"] == "trace-1" else tagged
    ims.control("POST", "traces", {"traces": [trace(1, 20), trace(2, 19)]})
    process = follow(http_subscriber.url, "--since", "25m")
    http_subscriber.wait(2)
    ims.control("POST", "traces", {"traces": [trace(3, 0)]})
    http_subscriber.wait(3)
    said = ended(process)
    assert received(http_subscriber) == ["trace-1", "trace-2", "trace-3"]
    assert said.count("refused: the function answered 413 the body is too large") == 1


def test_a_service_that_is_away(follow: Follow, ims: Ims, accepting: HttpSubscriber) -> None:
    """If Cloud Trace Service is away at the first look, it waits; what nobody may read ends it."""
    path = f"/v3/{ims.project_id}/traces"
    ims.control("POST", "faults", {"match": {"path": path}, "transport": "close", "times": 3})
    ims.control("POST", "traces", {"traces": [trace(1)]})
    process = follow(accepting.url)
    accepting.wait(1)
    assert "cannot be read: Cloud Trace Service " in ended(process)
    ims.control("POST", "faults", {"match": {"path": path}, "status": 403, "code": "CTS.0013"})
    out, _ = (denied := follow(accepting.url)).communicate(timeout=20)
    assert (denied.returncode, "cts:trace:list" in out) == (2, True)


def test_events_to_repeat(follow: Follow, ims: Ims, http_subscriber: HttpSubscriber, tmp_path: Path) -> None:
    """An event that the function wants again later holds up no other, and the place waits for it."""
    retry = Answer(503, {"Retry-After": "60", "Tagging-Outcome": "retry"})
    tagged = Answer(204, {"Tagging-Outcome": "tagged"})
    http_subscriber.answer = lambda request: retry if request.headers["ce-id"] == "trace-1" else tagged
    ims.control("POST", "traces", {"traces": [trace(1, 20), trace(2, 19)]})
    process = follow(http_subscriber.url, "--since", "25m")
    eventually(lambda: "trace-2" in received(http_subscriber), "the second trace")
    http_subscriber.answer = lambda _: tagged
    eventually(lambda: "trace-1" in state(tmp_path)["sent"], "the first trace")
    ended(process)
    assert received(http_subscriber).count("trace-2") == 1


AT_EACH_LINE = """
import signal, sys
from handlers.commands.images.follow import Stop, Stopped
from handlers.commands.signals import on_signals

for number in range(60):
    def trace(frame, event, argument, left=iter(range(number))):
        if next(left, None) is None:
            sys.settrace(None)
            signal.raise_signal(signal.SIGTERM)
        return trace

    stop = Stop()
    with on_signals(stop.stop):
        sys.settrace(trace)
        try:
            stop.wait(0)
        except Stopped:
            pass
        sys.settrace(None)
"""


def test_signals_at_any_moment() -> None:
    """A signal can come in the middle of a wait, at any line of it, and nothing hangs."""
    subprocess.run([sys.executable, "-c", AT_EACH_LINE], cwd=ROOT, timeout=60, check=True)


def test_nobody_reads(follow: Follow, ims: Ims, accepting: HttpSubscriber, tmp_path: Path) -> None:
    """It ends where its output goes nowhere, and the event that it sent last is not sent again."""
    ims.control("POST", "traces", {"traces": [trace(n, 9 - n) for n in range(3)]})
    process = follow(accepting.url)
    assert process.stdout
    process.stdout.close()
    assert process.wait(timeout=20) == 0
    assert set(received(accepting)) == state(tmp_path)["sent"].keys()


def test_two_runs(follow: Follow, ims: Ims, accepting: HttpSubscriber) -> None:
    """A second run with the same state ends, and says why."""
    ims.control("POST", "traces", {"traces": [trace(1)]})
    follow(accepting.url)
    accepting.wait(1)
    out, _ = (second := follow(accepting.url)).communicate(timeout=20)
    assert second.returncode == 2
    assert "holds the place of another run" in " ".join(out.split())


def test_a_clock_that_was_ahead(follow: Follow, ims: Ims, accepting: HttpSubscriber, tmp_path: Path) -> None:
    """A place in the future hides no trace of the time until then."""
    content = {"kind": "images replay", "until": "2999-01-01T00:00:00Z", "sent": {"trace-1": time.time()}}
    (tmp_path / "state.json").write_text(json.dumps(content))
    ims.control("POST", "traces", {"traces": [trace(1), trace(2)]})
    process = follow(accepting.url)
    accepting.wait(1)
    ended(process)
    assert received(accepting) == ["trace-2"]


def test_whole_seconds(tmp_path: Path) -> None:
    """A run forgets no trace that the next one, which reads whole seconds from the file, can be shown."""
    now = datetime.now(UTC).replace(microsecond=900_000)
    place = Place(tmp_path / "state.json", now - 2 * OVERLAP)
    place.add("trace", now - OVERLAP - timedelta(seconds=0.4))
    place.advance(now)
    assert "trace" in place


@pytest.mark.parametrize(
    ("content", "shell", "said"),
    [
        ("{}", "", "is not the state of `images replay`; name another file"),
        (None, "ulimit -f 0", "cannot be written: File too large; make room, or name another file"),
    ],
)
def test_states(follow: Follow, ims: Ims, tmp_path: Path, content: str | None, shell: str, said: str) -> None:
    """A file of something else, and a disk without room, are said before anything is sent."""
    ims.control("POST", "traces", {"traces": [trace(1)]})
    if content is not None:
        (tmp_path / "state.json").write_text(content)
    process = follow("http://127.0.0.1:9/", shell=shell)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 2
    assert said in " ".join(out.split())


@pytest.mark.parametrize("name", ["", "/", "."])
def test_states_that_are_no_files(follow: Follow, name: str) -> None:
    """What cannot be the name of a file is said to be none."""
    out, _ = (process := follow("http://127.0.0.1:9/", "--state", name)).communicate(timeout=20)
    assert process.returncode == 2
    assert "cannot be the name of a file" in " ".join(out.split())
