"""`python main.py`, as a person or a script runs it."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handlers import commands as operator_commands
from handlers.commands import remedy
from tests.processes.commands import Ran, fits
from tests.support.paths import ROOT

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
    assert ran("main.py", "check") == (0, "handlers/rules.toml: 3 rules, no faults, no warnings\n", "")


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


# -- usage ------------------------------------------------------------------------------------------

VERBS = ("list", "show", "redrive")
COMMANDS = [
    ["check"],
    ["explain"],
    ["test"],
    ["schema"],
    ["send"],
    ["dead-letters"],
    *(["dead-letters", v] for v in VERBS),
]

WRONG: dict[str, tuple[list[str], str, str]] = {
    "an unknown command": (["chekc"], "", 'there is no command "chekc"; did you mean "check"?'),
    "nothing like a command": (["xyz"], "", 'there is no command "xyz"; known are check, explain, '),
    "an unknown verb": (
        ["dead-letters", "lsit"],
        " dead-letters",
        'there is no command "lsit"; did you mean',
    ),
    "an unknown option": (
        ["check", "--lvie"],
        " check",
        'there is no option "--lvie"; did you mean "--live"?',
    ),
    "nothing like an option": (
        ["check", "--rules"],
        " check",
        'there is no option "--rules"; known are -h, --help, --json, --live',
    ),
    "two tables": (["check", "a.toml", "b.toml"], " check", "too many arguments: b.toml"),
    "an option without its value": (["explain", "--rules"], " explain", "argument --rules: expected one"),
    "control characters": (["check", "a", "\x1b[31m"], " check", r"too many arguments: \u001b[31m"),
}


@pytest.fixture
def ended(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """What parsing the arguments says when it ends the command, without a process."""
    monkeypatch.setenv("COLUMNS", "80")  # not those of who runs the tests

    def end(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as end:
            operator_commands.main(list(arguments), {})
        return Ran(int(str(end.value.code)), *capsys.readouterr())

    return end


@pytest.mark.parametrize(("arguments", "command", "sentence"), WRONG.values(), ids=WRONG)
def test_wrong_usage(ended: Callable[..., Ran], arguments: list[str], command: str, sentence: str) -> None:
    """Wrong usage is exit code 2, with the usage of the command that was named and what is wrong."""
    code, out, err = ended(*arguments)
    assert (code, out) == (2, "")
    usage, _, error = err.partition("\nerror: ")
    assert usage.startswith(f"usage: python main.py{command} [-h]")
    assert error.startswith(sentence)
    assert error.count("\n") == 1


def test_no_such_file() -> None:
    """What cannot be used is exit code 2 with a sentence on standard error."""
    sentence = "error: nowhere.toml cannot be read: No such file or directory\n"
    assert ran("main.py", "check", "nowhere.toml") == (2, "", sentence)


@pytest.mark.parametrize("command", [[], ["dead-letters"]], ids=" ".join)
def test_no_command(command: list[str]) -> None:
    """Where no command is named, its help shows which there are; that is wrong usage."""
    code, out, err = ran("main.py", *command)
    assert (code, out) == (2, "")
    assert err == ran("main.py", *command, "--help")[1]


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
def test_help(ended: Callable[..., Ran], command: list[str]) -> None:
    """Each help fits, and has a sentence, an example and the exit codes."""
    code, out, err = ended(*command, "-h")
    assert (code, err) == (0, "")
    assert fits(out)
    usage, sentence, *_ = out.split("\n\n")
    assert usage.startswith("usage: python main.py")
    assert sentence.endswith(".")
    example = "check" if not command else " ".join(command)
    assert f"\n\nexamples:\n  python main.py {example}" in out
    assert re.search(r"\n\nexit codes:\n  0  .+(\n  1  .+)?\n  2  wrong usage\n$", out)


# -- what has to be there ---------------------------------------------------------------------------


def test_a_missing_package() -> None:
    """A Python without the packages is one sentence on what to do."""
    for arguments in (["main.py", "check"], ["-m", "tests.bench", "--list"]):
        code, out, err = ran("-S", *arguments)
        assert (code, out) == (1, "")
        assert re.fullmatch(r"error: the package \w+ is missing; .*`.+`.*\n", err)


def test_a_package_that_is_missing_later(tmp_path: Path) -> None:
    """The same of a package that only some of the work needs."""
    (tmp_path / "rich.py").write_text("import nowhere\n")
    assert ran("main.py", "check", "--json", PYTHONPATH=str(tmp_path))[0] == 0
    code, out, err = ran("main.py", "check", PYTHONPATH=str(tmp_path))
    assert (code, out) == (1, "")
    assert err.startswith("error: the package nowhere is missing; ")


def test_an_old_python() -> None:
    """An older Python is one sentence too."""
    program = "import sys, runpy; sys.version_info = (3, 8, 18); runpy.run_{}"
    for run in ("path('main.py', run_name='__main__')", "module('tests.bench', run_name='__main__')"):
        code, out, err = ran("-c", program.format(run))
        assert (code, out) == (1, "")
        assert re.fullmatch(r"error: this is Python 3\.8, and 3\.11 or newer is needed; .*`.+`.*\n", err)


@pytest.mark.parametrize(
    "name",
    [
        "main.py",
        "handlers/__init__.py",
        "handlers/commands/__init__.py",
        "tests/bench/__init__.py",
        "tests/bench/__main__.py",
    ],
)
def test_what_an_old_python_reads(name: str) -> None:
    """What stands before that sentence is no syntax error to Python 3.8."""
    ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_remedy(tmp_path: Path) -> None:
    """Where an environment is, it is to be activated, and else to be made."""
    make = "make the environment with `deploy/local/up` and activate it with `. .venv/bin/activate`"
    assert remedy("deploy/local/up", None, tmp_path) == make
    pip = "; or install into your own with `pip install --require-hashes -r requirements.txt`"
    assert remedy("deploy/local/up", "requirements.txt", tmp_path) == make + pip
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    assert remedy("deploy/local/up", None, tmp_path).startswith(
        f"activate the environment with `. {tmp_path}/"
    )


# -- running ----------------------------------------------------------------------------------------


def test_a_reader_that_has_seen_enough() -> None:
    """A closed pipe, as `| head` leaves one, ends a command quietly."""
    with start("main.py", "explain", *[PERSON] * 400) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == f"{PERSON}\n".encode()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


def test_a_closed_output() -> None:
    """If standard output is closed, the exit code is still the command's."""
    command = 'exec "$0" main.py check >&-'
    ended = subprocess.run(["sh", "-c", command, sys.executable], cwd=ROOT, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


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
    assert re.search(r'image\.name +"Gr\\xf6\\xdfe"', out)


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
