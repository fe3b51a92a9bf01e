"""`dead-letters redrive`, interrupted and started again: each dead letter is sent as long as it is none."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handlers.commands.dead_letters.checkpoint import Checkpoint
from handlers.commands.files import UsageError
from tests.commands.dead_letters.conftest import FAST, TAGGED, resumed, said, sent_ids
from tests.processes.bus import Answer as Says
from tests.processes.bus import HttpSubscriber, in_turn
from tests.processes.bus import Received as Request
from tests.processes.commands import Commands
from tests.support.dead_letter_places import File, Nats, Place, numbered
from tests.support.paths import ROOT


def test_the_next_run_sends_nothing_twice(place: Place, tagger: HttpSubscriber) -> None:
    """What is done is recorded where it is kept, and what is not is sent by the next run."""
    place.put(*map(numbered, range(3)))
    tagger.answer = in_turn(TAGGED, said("dead-letter", 400), said("ignored"), TAGGED)
    assert place.run("redrive", "--to", tagger.url, *FAST).code == 1
    if not resumed(place):
        return
    assert place.left() == ["1"]
    ran = place.run("redrive", "--to", tagger.url, *FAST)
    assert ran.code == 0
    assert ran.out.startswith("1 done (1 tagged), 0 not done")
    assert sent_ids(tagger.received) == ["0", "1", "2", "1"]


@pytest.fixture
def in_file(commands: Commands, tmp_path: Path) -> File:
    return File(commands, tmp_path)


def test_the_checkpoint(in_file: File, tagger: HttpSubscriber) -> None:
    """What is done of a file is recorded beside it, for its owner's eyes."""
    in_file.put(*map(numbered, range(2)))
    in_file.run("redrive", "--to", tagger.url, *FAST)
    assert stat.S_IMODE(in_file.checkpoint.stat().st_mode) == 0o600
    assert [line.split()[1] for line in in_file.checkpoint.read_text().splitlines()] == ["tagged"] * 2
    assert in_file.run("redrive", "--to", tagger.url).out == "0 done, 0 not done; 2 redriven before\n"


def test_a_truncated_checkpoint(in_file: File, tagger: HttpSubscriber) -> None:
    """A line of the checkpoint that breaks off costs one event a second delivery, and no more."""
    in_file.put(*map(numbered, range(2)))
    in_file.run("redrive", "--to", tagger.url, *FAST)
    in_file.checkpoint.write_bytes(in_file.checkpoint.read_bytes()[:-25])
    assert not in_file.checkpoint.read_bytes().endswith(b"\n")
    in_file.run("redrive", "--to", tagger.url, *FAST)
    in_file.run("redrive", "--to", tagger.url, *FAST)
    assert sent_ids(tagger.received) == ["0", "1", "1"]


@pytest.mark.parametrize("kind", ["a folder", "a link", "a dangling link", "a pipe"])
def test_no_place_for_the_checkpoint(
    in_file: File, tagger: HttpSubscriber, tmp_path: Path, kind: str
) -> None:
    """Where nothing can be recorded beside the file, or it would go elsewhere, nothing is sent or written."""
    in_file.put(numbered(1))
    other = tmp_path / "other"
    match kind:
        case "a folder":
            in_file.checkpoint.mkdir()
        case "a pipe":
            os.mkfifo(in_file.checkpoint)
        case _:
            in_file.checkpoint.symlink_to(other)
            if kind == "a link":
                other.write_text("precious\n")
    ran = in_file.run("redrive", "--to", tagger.url)
    assert ran.code == 2
    assert ran.shows(".redriven cannot be")
    assert tagger.received == []
    assert not other.exists() or other.read_text() == "precious\n"


def test_a_link_that_comes_later(in_file: File, tmp_path: Path) -> None:
    """A link that takes the checkpoint's place after it was read is not followed either."""
    checkpoint = Checkpoint(in_file.checkpoint)
    in_file.checkpoint.symlink_to(tmp_path / "other")
    with pytest.raises(UsageError, match="cannot be written"):
        checkpoint.begin()
    assert not (tmp_path / "other").exists()


def test_two_dead_letters_of_one_event(place: Place, tagger: HttpSubscriber) -> None:
    """Equal dead letters at two positions are two."""
    place.put(numbered(1), numbered(1))
    place.run("redrive", "--to", tagger.url, *FAST)
    assert sent_ids(tagger.received) == ["1", "1"]


@pytest.mark.parametrize("kind", ["a file", "NATS"])
def test_what_comes_meanwhile_is_left(
    in_file: File, on_nats: Nats, tagger: HttpSubscriber, kind: str
) -> None:
    """Dead letters that come while it runs are for the next run, or it would never end."""
    place = in_file if kind == "a file" else on_nats
    place.put(numbered(1), numbered(2))

    def fails_again(_: Request) -> Says:
        place.put(numbered(3))
        return said("dead-letter")

    tagger.answer = fails_again
    place.run("redrive", "--to", tagger.url, *FAST)
    assert sent_ids(tagger.received) == ["1", "2"]
    tagger.answer = lambda _: TAGGED
    assert place.run("redrive", "--to", tagger.url, *FAST).code == 0
    assert sent_ids(tagger.received[2:]) == ["3", "3"]


Redrive = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def started() -> Redrive:
    """`redrive` as a process of its own."""

    def start(*arguments: object) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "main.py", "dead-letters", "redrive", *map(str, arguments)],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


@pytest.mark.parametrize("kind", ["a file", "NATS"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_interrupted(
    in_file: File, on_nats: Nats, tagger: HttpSubscriber, started: Redrive, how: signal.Signals, kind: str
) -> None:
    """A run that ends in the middle is resumed: everything is sent, and at most one event twice."""
    place = in_file if kind == "a file" else on_nats
    place.put(*map(numbered, range(30)))
    with started(place.address, "--to", tagger.url, "--rate", "50") as process:
        tagger.wait(5)
        process.send_signal(how)
        _, err = process.communicate(timeout=20)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert err.startswith(b"interrupted: ")
        assert b"Traceback" not in err
    assert len(tagger.received) < 30
    assert place.run("redrive", "--to", tagger.url, *FAST).code == 0
    assert sorted(set(sent_ids(tagger.received)), key=int) == [str(number) for number in range(30)]
    assert len(tagger.received) <= 31
    assert place.left() == []


def test_standard_input_cannot_be_resumed(tagger: HttpSubscriber, started: Redrive) -> None:
    """From a pipe it works too, and says that it cannot be resumed."""
    with started("--to", tagger.url, *FAST) as process:
        out, err = process.communicate(json.dumps(numbered(1)).encode(), timeout=20)
    assert (process.returncode, out) == (0, b"1 done (1 tagged), 0 not done\n")
    assert b"cannot be resumed" in err
    assert sent_ids(tagger.received) == ["1"]


def test_progress(in_file: File, tagger: HttpSubscriber, started: Redrive) -> None:
    """A long run says on standard error how far it is."""
    in_file.put(*map(numbered, range(60)))
    with started(in_file.address, "--to", tagger.url, "--rate", "20") as process:
        assert process.stderr
        assert b"dead letters sent: line " in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
