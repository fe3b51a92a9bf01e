"""`deploy/local/up` as a newcomer meets it: the samples, own events, and everything that can be wrong."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from deploy.local import report
from deploy.local.__main__ import main
from deploy.local.feed import News, render_event
from deploy.local.journal import Record
from deploy.local.samples import Sample
from deploy.local.stack import JUDGED, SHIPPED
from tests.processes.commands import fits
from tests.processes.launch import eventually
from tests.processes.local_stack import local_stack
from tests.processes.terminal import ESCAPE, on_terminal
from tests.support.paths import ROOT

UP = [sys.executable, "-m", "deploy.local"]
EVENT = json.loads((ROOT / "tests" / "events" / "plain-structured.json").read_text(encoding="utf-8"))

Ended = subprocess.CompletedProcess[str]
Up = Callable[..., Ended]


def environ_in(folder: Path) -> dict[str, str]:
    """Temporary files go to this folder, and its name marks whatever the command starts."""
    return {"PATH": f"{os.environ['PATH']}:{folder}", "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}


def running_in(folder: Path) -> list[str]:
    """The processes with the mark of this folder, as Linux tells them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # A process may end meanwhile.
        with suppress(OSError):
            if f":{folder}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def run(folder: Path, *arguments: str | Path, **settings: str) -> Ended:
    """The command to its end."""
    command = [*UP, *map(str, arguments)]
    ended = subprocess.run(
        command,
        env=environ_in(folder) | settings,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert "Traceback" not in ended.stdout + ended.stderr
    assert running_in(folder) == []
    return ended


@pytest.fixture
def up(tmp_path: Path) -> Up:
    return partial(run, tmp_path)


def takes(taken: socket.socket, port: int) -> bool:
    with suppress(OSError):
        taken.bind(("127.0.0.1", port))
        taken.listen()
        return True
    return False


class Pair(NamedTuple):
    """Two runs that began at the same moment, with a port taken that both would like."""

    samples: Ended
    left_behind: list[Path]
    own: Ended


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    samples, own = tmp_path_factory.mktemp("samples"), tmp_path_factory.mktemp("own")
    (own / "mine.json").write_text(json.dumps(EVENT))
    (own / "wrong.json").write_text(json.dumps(EVENT | {"id": "other", "subject": "x", "data": {}}))
    (own / "rules.toml").write_text('[[rule]]\ntags.mine = "{{ image.name }}"\n')
    with socket.socket() as taken, ThreadPoolExecutor() as pool:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Another stack that has the port may end soon, and one that stays serves as well.
        with suppress(AssertionError):
            eventually(lambda: takes(taken, 4222), "the port")
        one = pool.submit(run, samples, "--once")
        other = pool.submit(run, own, "--once", "mine.json", "wrong.json", RULES="rules.toml")
        return Pair(one.result(), list(samples.iterdir()), other.result())


def shown_in_the_readme() -> str:
    """The last line of the sample in the README, which counts the ends."""
    found = re.search(
        r"^\d+ events: .+; all as they should be\.$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert found
    return found[0]


def test_samples(pair: Pair) -> None:
    """Every sample ends as it should; all the ends there are can be seen; nothing is left behind."""
    ended = pair.samples
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for seen in (
        "an image is created in IMS\n    tagged, 1 attempt\n",
        "a plain CloudEvent in binary mode\n    tagged, 1 attempt\n",
        "a plain CloudEvent in structured mode\n    tagged, 1 attempt\n",
        "    ignored, 1 attempt\n    why   OtherEvent: ",
        "    tagged, 2 attempts\n",
        "    dead-letter, 1 attempt\n    why   InvalidEvent: ",
        shown_in_the_readme(),
    ):
        assert seen in ended.stdout
    assert fits(ended.stdout)
    assert not re.search(r" +\n", ended.stdout)
    assert pair.left_behind == []
    assert ended.stdout.endswith("RULES=my-rules.toml deploy/local/up --once my-event.json\n")


def test_images_that_no_event_told_of(pair: Pair) -> None:
    """Images that were made before the function listens are found and tagged, one with its creator's name."""
    lines = [line.strip() for line in pair.samples.stdout.splitlines()]
    known, unknown = lines.index("prod-nightly"), lines.index("golden-base")
    assert lines[known + 1] == "lacked created-by, created-on, created-for"
    assert lines[known + 2].startswith("tags   created-by=grace created-on=")
    assert lines[unknown + 1 : unknown + 2] == ["lacked created-on"]


def test_own_events(pair: Pair) -> None:
    """Own events are sent instead; a dead letter is exit code 1, but no fault under another table."""
    ended = pair.own
    assert ended.returncode == 1
    assert "mine.json\n    tagged, 1 attempt\n" in ended.stdout
    assert "tags  mine=prod-web-base" in ended.stdout
    assert "wrong.json\n    dead-letter, 1 attempt\n    why   InvalidEvent" in ended.stdout
    assert "FAULT" not in ended.stdout
    assert "1 tags written, 0 only logged (audit); not judged, because" in " ".join(ended.stdout.split())
    assert "an image is created" not in ended.stdout
    assert "The logs are in " in ended.stderr


def test_terminal() -> None:
    """On a terminal, outcomes have a colour, and the words are the same."""
    seen = on_terminal(*UP, "--once", str(ROOT / "tests" / "events" / "plain-structured.json"))
    assert re.search(r"\x1b\[[0-9;]*32m    tagged", seen)
    assert re.search(r"\x1b\[[0-9;]*32m1 event: 1 tagged; all as they should be\.", seen)
    assert "plain-structured.json\n    tagged, 1 attempt\n    tags  created-by=" in ESCAPE.sub("", seen)


FED = """
from deploy.local import feed, journal, report
lost = journal.Record(1, 0, "id", title="prod-db", attempts=3, ended=True, reply="NoReply: refused")
report.printer()(feed.render_event(lost, feed.News.of(lost)))
"""


def test_feed_on_terminal() -> None:
    """In the live feed, what failed is bold and red, and names stand before ids."""
    seen = on_terminal(sys.executable, "-c", FED)
    assert re.search(r"\x1b\[1;31mdead-letter\x1b\[0m", seen)
    assert "dead-letter  prod-db  id\n    3 attempts\n    NoReply: refused\n" in ESCAPE.sub("", seen)


@pytest.mark.parametrize("text", ["\x1b[31m\x07", "a\n  b\u2028c", "\u202egnp", "[red]a[/red]", "x" * 10_000])
def test_hostile_content(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """What an event or a log holds ends no line, steers no terminal and is no markup."""
    sample = Sample(text, text, text, {})
    lines: list[dict[str, Any]] = [
        {"image_id": text, "written": [{"key": text, "value": text}]},
        {"outcome": text, "reason": text, "why": text},
    ]
    for line in lines:
        record = Record(1, 0, text, attempts=1, ended=True, straight=True, last_line=line, title=text)
        record.reply = record.retry_reason = text
        show = report.printer()
        show(report.render_result(sample, record, {text: text}, [text]))
        show(report.render_summary([record], 1, judged=True))
        show(render_event(record, News.of(record)))
    out = capsys.readouterr().out
    assert fits(out)
    assert report.plain(text)[:40] in out


def test_two_at_once(pair: Pair) -> None:
    """Two that start at the same moment share no port, and so no part."""
    one, other = (set(re.findall(r":(\d+)", ended.stdout)) for ended in (pair.samples, pair.own))
    assert len(one) == len(other) == 3
    assert not one & other


def test_ports_in_use(pair: Pair) -> None:
    """A port that is taken is no fault: the next free one is used."""
    for ended in (pair.samples, pair.own):
        assert "nats://127.0.0.1:" in ended.stdout
        assert "nats://127.0.0.1:4222\n" not in ended.stdout


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
def test_no_event(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    content: bytes | None,
    says: str,
) -> None:
    """A file that holds no event is one sentence and exit code 2, before anything starts."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["up", "--once", name])
    assert main() == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(name)
    assert says in err
    assert err.count("\n") == 1


def test_function_does_not_start(up: Up, tmp_path: Path) -> None:
    """Where a part does not start, its own last words say why, and the rest stops."""
    (tmp_path / "rules.toml").write_text("[[rule]\n")
    ended = up("--once", RULES="rules.toml")
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "The start failed. The function says: the function does not start: rules.toml:1: it is not TOML"
    )


@pytest.fixture
def staying(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command without --once, with one event."""
    event = str(ROOT / "tests" / "events" / "plain-structured.json")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*UP, event], env=environ_in(tmp_path), cwd=tmp_path, stdout=pipe, stderr=pipe, text=True
    ) as process:
        yield process
        process.terminate()


def until(process: subprocess.Popen[str], start: str) -> str:
    """Its output up to and with the next line that starts so."""
    assert process.stdout is not None
    read = []
    for line in process.stdout:
        read.append(line)
        if line.startswith(start):
            break
    else:
        words = process.stderr.read() if process.stderr else ""
        raise AssertionError(f"It ended before {start!r}: {''.join(read)}{words}")
    return "".join(read)


@pytest.mark.parametrize(
    ("end", "after", "running"),
    [
        pytest.param(
            end,
            after,
            running,
            id=end.name,
            marks=pytest.mark.skipif(
                signal.getsignal(end) is signal.SIG_IGN, reason="ignored by what started the tests, as nohup"
            ),
        )
        for end, after, running in (
            (signal.SIGINT, "How events end", 6),
            (signal.SIGTERM, "  function", 5),
            (signal.SIGHUP, "  bus", 2),
        )
    ],
)
def test_signal(
    staying: subprocess.Popen[str], tmp_path: Path, end: signal.Signals, after: str, running: int
) -> None:
    """Ctrl-C, a stop and a closed terminal each end everything that it has started, with exit code 0.

    The address of the console is the first thing that it prints. It says at once that it stops, and that the
    logs go with it.
    """
    assert re.match(r"Console  http://127\.0\.0\.1:\d+\n", until(staying, after))
    # Itself, the bus, the emulator, the function as master and worker, the subscription.
    assert len(running_in(tmp_path)) >= running
    staying.send_signal(end)
    assert until(staying, "Stopping").endswith(
        "\nStopping, which takes some seconds; the logs are deleted.\n"
    )
    assert staying.wait(40) == 0
    assert running_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_no_client_of_the_bus() -> None:
    """The client of NATS swallows a stop that comes while it closes, so what waits for the stack has none."""
    script = "import sys, deploy.local.__main__; sys.exit('nats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def test_left_over(staying: subprocess.Popen[str], up: Up, tmp_path: Path) -> None:
    """A run after a kill names what was left running, and ends it; one that runs is left alone."""
    until(staying, "How events end")
    event = ROOT / "tests" / "events" / "plain-structured.json"
    beside = subprocess.run(
        [*UP, "--once", str(event)], env=environ_in(tmp_path), capture_output=True, text=True, check=False
    )
    assert beside.returncode == 0
    assert "left running" not in beside.stdout
    staying.kill()
    staying.wait(10)
    assert len(running_in(tmp_path)) >= 5
    ended = up("--once", event)
    assert ended.returncode == 0
    for part in ("bus", "IMS emulator", "function", "subscription"):
        assert re.search(rf"^Ended what an earlier run had left running: .*{part} \(\d+\)", ended.stdout)
    assert list(tmp_path.iterdir()) == []


def test_audit(up: Up, tmp_path: Path) -> None:
    """Under another table nothing is a fault, and the summary says what was done."""
    (tmp_path / "rules.toml").write_text('[defaults]\nmode = "audit"\n[[rule]]\ntags.a = "b"\n')
    ended = up("--once", RULES="rules.toml")
    assert ended.returncode == 0, ended.stdout
    assert "FAULT" not in ended.stdout
    assert "; 0 tags written, 17 only logged (audit); not judged" in " ".join(ended.stdout.split())


def test_shipped_table() -> None:
    """What should come of the samples is known under this table alone; where it changes, look again."""
    digest = hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
    assert digest == JUDGED, (
        f"{SHIPPED.name} has changed. See that tests/events/expected.json says what comes of the samples; "
        f'then write JUDGED = "{digest}" into deploy/local/stack.py.'
    )


def test_table_in_the_feed(tmp_path: Path) -> None:
    """That the function took up a changed table, or refused it, is told as it happens."""
    table = tmp_path / "rules.toml"
    table.write_text('[[rule]]\ntags.a = "b"\n')
    event = str(ROOT / "tests" / "events" / "plain-structured.json")
    with local_stack(tmp_path, event, RULES=str(table)) as stack:
        for text, told in (
            ('[[rule]]\ntags.a = "c"\n', "rules.reloaded  rules.toml"),
            ("[[rule]\n", "rules.refused  rules.toml\n    rules.toml:1: it is not TOML"),
        ):
            table.write_text(text)

            def looked(told: str = told) -> bool:
                stack.post(stack.event("web-x"))
                return told in stack.output

            eventually(looked, told)
    assert "The table before it stays in use." in stack.output


def test_printed_commands(staying: subprocess.Popen[str]) -> None:
    """The commands that it prints do what they say, in that order, and how events end is shown."""
    commands = until(staying, "How events end").split("in this folder:\n")[1].rsplit("\n", 2)[0]
    create = re.search(r"curl .*/v2/images .*", commands)
    assert create
    ran = subprocess.run(
        ["bash", "-euc", f"{commands}\n{create[0]}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert '"name": "prod-x"' in ran.stdout
    assert "Tagging-Outcome: tagged" in ran.stdout
    assert '{"key": "created-for", "value": "production"}' in ran.stdout
    assert "tagged  prod-web-base" in until(staying, "    1 attempt, posted straight to the function")
    shown = until(staying, "    3 attempts")
    assert shown.count("retry  prod-x  ") == 2
    assert "    1 attempt, the next in " in shown
    assert "TagApiUnavailable: the tag API has a fault" in shown
    assert "tagged  prod-x  " in shown


def test_part_stops(staying: subprocess.Popen[str], tmp_path: Path) -> None:
    """When a part stops by itself, a sentence names it, the rest stops, and the exit code is 1."""
    until(staying, "How events end")
    [log] = tmp_path.glob("*/bus.log")
    os.kill(int(log.read_text().removeprefix("[").split("]")[0]), signal.SIGTERM)
    assert staying.wait(40) == 1
    assert staying.stderr is not None
    assert staying.stderr.readline().startswith("The bus has stopped, start again; its last words: ")
    assert staying.stderr.read().startswith("The logs are in ")
    assert running_in(tmp_path) == []


def test_reader_leaves(staying: subprocess.Popen[str], tmp_path: Path) -> None:
    """When nobody reads its output any more, as with `head`, it ends quietly and leaves nothing."""
    assert staying.stdout is not None
    assert staying.stderr is not None
    staying.stdout.readline()
    staying.stdout.close()
    assert staying.wait(40) == 141
    assert staying.stderr.read() == ""
    assert running_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
