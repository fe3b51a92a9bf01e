"""`python main.py`, as a person or a script runs it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PERSON = "tests/events/plain-structured.json"
SERVING = {"flask", "werkzeug", "requests", "urllib3", "functions_framework"}


def start(*arguments: object, **environ: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ran(*arguments: object, given: bytes = b"", **environ: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    with start(*arguments, **environ) as process:
        out, err = process.communicate(given, timeout=20)
    return process.returncode, out.decode(), err.decode()


def test_check() -> None:
    """The shipped table is without faults, and no setting has to be made to find out."""
    assert ran("main.py", "check") == (0, "handlers/rules.toml: 4 rules, no faults, no warnings\n", "")


def test_explain_standard_input() -> None:
    """An event can be piped in, and JSON be piped out."""
    code, out, err = ran("main.py", "explain", "--json", given=(ROOT / PERSON).read_bytes())
    assert (code, err) == (0, "")
    assert json.loads(out)["files"][0]["events"][0]["outcome"]["kind"] == "tagged"


def test_the_shipped_cases() -> None:
    """The cases that ship with the shipped table pass, whatever table RULES names."""
    code, out, err = ran("main.py", "test", "handlers/rules.cases.toml", RULES="/nowhere")
    assert (code, err) == (0, "")
    assert out.endswith("cases passed\n")


WRONG: dict[str, list[str]] = {
    "no command": [],
    "an unknown command": ["chekc"],
    "an unknown option": ["check", "--lvie"],
    "two tables": ["check", "a.toml", "b.toml"],
    "no such file": ["check", "nowhere.toml"],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_wrong_usage(arguments: list[str]) -> None:
    """Wrong usage is exit code 2 with a sentence on standard error and nothing on standard output."""
    code, out, err = ran("main.py", *arguments)
    assert (code, out) == (2, "")
    assert err
    assert "Traceback" not in err


def test_a_reader_that_has_seen_enough() -> None:
    """A closed pipe, as `| head` leaves one, ends a command quietly."""
    with start("main.py", "explain", *[PERSON] * 400) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == f"{PERSON}\n".encode()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


def test_interrupt(tmp_path: Path) -> None:
    """Ctrl-C ends a command with exit code 130 and without a word."""
    slow = tmp_path / "slow.json"
    os.mkfifo(slow)
    with start("main.py", "explain", slow) as process, slow.open("wb"):  # open: it has begun to read
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 130


def test_a_terminal_that_knows_ascii(tmp_path: Path) -> None:
    """What a terminal cannot show is escaped, not an error."""
    event = tmp_path / "event.json"
    event.write_text((ROOT / PERSON).read_text().replace("prod-web-base", "Größe"))
    code, out, err = ran("main.py", "explain", event, PYTHONIOENCODING="ascii")
    assert (code, err) == (0, "")
    assert r'image.name = "Gr\xf6\xdfe"' in out


@pytest.mark.parametrize("arguments", [["check"], ["explain", PERSON], ["test"], ["schema"]], ids=" ".join)
def test_no_command_pays_for_serving(arguments: list[str]) -> None:
    """Commands that need no network do not load what speaks HTTP."""
    code, _, err = ran("-X", "importtime", "main.py", *arguments)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in err.splitlines()}
    assert code == 0
    assert "handlers" in loaded
    assert not loaded & SERVING


def test_serving_does_not_pay_for_commands() -> None:
    """The function does not load the commands."""
    settings = {"IMS_ENDPOINT": "https://ims.example.com", "OS_TOKEN": "token"}
    program = "import main, sys; print('handlers.commands' in sys.modules)"
    with start("-c", program, **settings) as process:
        out, _ = process.communicate(timeout=20)
    code = process.returncode
    assert (code, out) == (0, b"False\n")
