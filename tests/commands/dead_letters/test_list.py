"""`dead-letters list`: dead letters wherever they are kept, told to a stranger."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.dead_letters.conftest import AT_NOON, QUOTA, A, C
from tests.processes.commands import Commands, fits
from tests.processes.function import created
from tests.support.dead_letter_places import ID, Place, by_function, ids, standard_input, written
from tests.support.paths import ROOT

# -- where it is kept -------------------------------------------------------------------------------


def test_listed_alike(place: Place) -> None:
    """Rows have the same words everywhere; only what a position is called differs."""
    place.put(A, C)
    table = place.run("list").out
    assert fits(table)
    heading, *rows, count = table.splitlines()
    assert heading.split()[0] == place.position
    words = " ".join(row.lstrip("0123456789") for row in rows).split()
    assert words == [AT_NOON, QUOTA, "IMG.0116", ID, "com.example.image.created"] * 2
    assert count == "2 dead letters: 2 TagQuotaExceeded"
    found = place.run("list", "--json").json
    first, second = found["dead_letters"]
    assert first["position"] < second["position"]
    assert first.keys() == second.keys()
    assert found["reasons"] == {QUOTA: 2}


def test_nothing_there(place: Place) -> None:
    """A place without dead letters is no error."""
    for verb in ("list", "show"):
        assert (place.run(verb).code, place.run(verb).out) == (0, "no dead letters\n")
        assert place.run(verb, "--json").json["dead_letters"] == []


@pytest.mark.parametrize("option", [["--sequence", "7"], ["--subject", "images.>"]], ids=lambda each: each[0])
@pytest.mark.parametrize("verb", [["list"], ["show"], ["redrive", "--dry-run"]], ids=" ".join)
def test_what_only_nats_has(commands: Commands, tmp_path: Path, verb: list[str], option: list[str]) -> None:
    """A file and standard input have neither sequences nor subjects, and one sentence says so."""
    for address in (written(tmp_path), "-"):
        ran = commands("dead-letters", *verb, address, *option)
        assert (ran.code, ran.out) == (2, "")
        assert "only dead letters on NATS have" in ran.err


@pytest.mark.parametrize("name", ["nowhere", "", "x" * 300], ids=["no such file", "a folder", "too long"])
@pytest.mark.parametrize("verb", [["list"], ["show"], ["redrive", "--dry-run"]], ids=" ".join)
def test_no_file(commands: Commands, tmp_path: Path, verb: list[str], name: str) -> None:
    """A file that cannot be read is one sentence and exit code 2."""
    ran = commands("dead-letters", *verb, tmp_path / name)
    assert (ran.code, ran.out) == (2, "")
    assert "cannot be read" in " ".join(ran.err.split())


@pytest.mark.parametrize("verb", [["list"], ["show"], ["redrive", "--dry-run"]], ids=" ".join)
def test_a_pipe_or_a_device_by_name(commands: Commands, tmp_path: Path, verb: list[str]) -> None:
    """A pipe that nobody writes to does not hang a command, and what is no file is said to be none."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        ran = commands("dead-letters", *verb, path)
        assert (ran.code, ran.out) == (2, "")
        assert "it is no regular file" in " ".join(ran.err.split())


def piped(*arguments: str, given: bytes | None) -> "subprocess.CompletedProcess[bytes]":
    """Runs with this standard input; None: with none at all."""
    command = [sys.executable, "main.py", "dead-letters", *arguments]
    if given is None:
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    return subprocess.run(command, cwd=ROOT, input=given or b"", capture_output=True, check=False, env={})


@pytest.mark.parametrize("name", [[], ["-"]], ids=["by default", "by name"])
def test_standard_input(name: list[str]) -> None:
    """Dead letters can be piped in, among other lines."""
    ran = piped("list", "--json", *name, given=b"started\n" + json.dumps(A).encode())
    assert (ran.returncode, ran.stderr) == (1, b"")
    found = json.loads(ran.stdout)
    assert ids(found["dead_letters"]) == ["a"]
    assert [each["position"] for each in found["unreadable"]] == [1]


def test_no_standard_input() -> None:
    """Without standard input a sentence asks for a file."""
    ran = piped("list", given=None)
    assert ran.returncode == 2
    assert b"name a file" in ran.stderr


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["for people", "JSON"])
@pytest.mark.parametrize("verb", ["list", "show"])
def test_flat_memory(tmp_path: Path, verb: str, options: list[str]) -> None:
    """A command prints a file of 18 MB within 50 MB of memory, of which Python and the code take 38."""
    kept = json.dumps(by_function(created(ID, id="x" * 100_000))).encode() + b"\n"
    path = tmp_path / "large"
    with path.open("wb") as file:
        for _ in range(180):
            file.write(kept)
    command = f"ulimit -v {50 * 1024}; exec {sys.executable} main.py dead-letters {verb} {path}"
    ran = subprocess.run(
        ["bash", "-c", " ".join([command, *options])], cwd=ROOT, capture_output=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.count(QUOTA.encode()) >= 180


# -- what nobody may do to a terminal ---------------------------------------------------------------

HOSTILE = {
    "escapes": "\x1b[2J\x1b]0;owned\x07\r\x7f\x9b",
    "line ends": "a\n1 dead letter\u2028\x85b",
    "bidi": "\u202egnp.\u2066",
    "huge": "x" * 200_000,
    "many lines": "word\n" * 10_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("verb", [["list"], ["show"], ["redrive", "--dry-run"]], ids=" ".join)
def test_hostile_values(place: Place, verb: list[str], text: str) -> None:
    """No value can end a line, steer a terminal or flood it. JSON has it whole, in ASCII."""
    event = created(ID, id=text, type=f"image.created{text}", source=text)
    event["data"] = {"image_id": ID, "name": text, "numbers": [*range(len(text) // 10)]}
    place.put(by_function(event, text, code=text, message=text, rule=text))
    ran = place.run(*verb)
    assert fits(ran.out)
    assert fits(ran.err)
    assert len(ran.out) < 250_000
    assert "\n1 dead letter\n" not in ran.out.removesuffix("1 dead letter\n")
    ran = place.run(*verb, "--json")
    assert all(" " <= character < "\x7f" for character in ran.out.replace("\n", ""))
    assert ids(ran.json["dead_letters"]) == [text]


def test_a_pipe_among_the_standard_ones() -> None:
    """The helper of these tests is a pipe, as a shell makes one."""
    with standard_input(b"x" * 200_000):
        assert len(sys.stdin.buffer.read()) == 200_000
