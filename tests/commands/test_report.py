"""What the commands print on a terminal and in a pipe, and that no content can control it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from handlers.commands.output.progress import SILENCE, Progress
from handlers.commands.output.report import (
    Report,
    Styled,
    Table,
    counted,
    emit,
    fields,
    findings,
    heading,
    json_document,
    quoted,
    without_binary,
)
from handlers.core.json_text import plain
from tests.processes.commands import fits
from tests.processes.terminal import ESCAPE, in_a_pipe, on_terminal
from tests.support.paths import ROOT

CHECK = [sys.executable, "main.py", "check"]


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    """The name of a rules table with a fault."""
    path = tmp_path / "t.toml"
    path.write_text("[[rule]]\nname = 'production'\nwhen.image.nmae = ['x']\ntags.env = 'a b'\n")
    return str(path)


# -- terminal and pipe ------------------------------------------------------------------------------


def test_colour_on_a_terminal_only(faulty: str) -> None:
    """A terminal and a pipe get the same words; only the terminal gets colour."""
    seen, piped = on_terminal(*CHECK, faulty), in_a_pipe(*CHECK, faulty)
    assert re.search(r"\x1b\[[0-9;]*31m", seen)
    assert "\x1b" not in piped
    assert ESCAPE.sub("", seen).split() == piped.split()


def test_no_colour(faulty: str) -> None:
    """There is no colour if NO_COLOR is set or the terminal has none."""
    assert "\x1b" not in on_terminal(*CHECK, faulty, NO_COLOR="1")
    assert "\x1b" not in on_terminal(*CHECK, faulty, TERM="dumb")


def test_forced_colour(faulty: str) -> None:
    """FORCE_COLOR brings colour into a pipe, and changes neither width nor words."""
    forced = in_a_pipe(*CHECK, faulty, FORCE_COLOR="1")
    assert "\x1b[" in forced
    lines = [
        [line.rstrip() for line in out.splitlines()]
        for out in (ESCAPE.sub("", forced), in_a_pipe(*CHECK, faulty))
    ]
    assert lines[0] == lines[1]


def test_json_in_a_pipe(faulty: str) -> None:
    """JSON is indented on a terminal; a program gets the same in one line."""
    seen, piped = (run(*CHECK, faulty, "--json") for run in (on_terminal, in_a_pipe))
    assert seen == json.dumps(json.loads(piped), indent=2) + "\n"
    assert len(piped.splitlines()) == 1


@pytest.mark.parametrize("columns", [30, 60, 200])
def test_width(faulty: str, columns: int) -> None:
    """No line is wider than the terminal."""
    lines = ESCAPE.sub("", on_terminal(*CHECK, faulty, columns=columns)).splitlines()
    assert max(map(cell_len, lines)) <= columns


def test_width_of_a_pipe(faulty: str) -> None:
    """A pipe has 80 columns whatever COLUMNS is."""
    narrow, wide = (in_a_pipe(*CHECK, faulty, COLUMNS=columns) for columns in ("30", "200"))
    assert fits(wide)
    assert narrow == wide == in_a_pipe(*CHECK, faulty)


def test_waiting_for_a_person() -> None:
    """If an event has to be typed, a sentence asks for it and explains how to end."""
    seen = on_terminal(sys.executable, "main.py", "explain", "--json", typed=b"[]\n\x04")
    assert "Reading an event from standard input; end it with Ctrl-D, or stop with Ctrl-C.\n" in seen
    assert "standard input holds no event: the array is empty" in seen


# -- content ----------------------------------------------------------------------------------------

HOSTILE = {
    "terminal escapes": "\x1b[31mred\x1b]0;title\x07\x1b[2J\x9b31m\x7f",
    "line ends": "a\nb\r\x0b\x0c\x85\u2028\u2029c",
    "bidi controls": "\u202egnp.\u2066\u200f\u061c",
    "lone surrogates": "a\ud800b\udfffc",
    "markup": "[red]markup[/red] [/] [link=https://example.com]here[/link]",
    "emoji codes": ":boom: :warning:",
    "styles": "fault warning https://example.com 1.5 'text' None",
    "wide": "漢字かな交じり文" * 1250,
    "long": "x" * 10_000,
    "many words": "word " * 2_000,
    "invisible": "\u00ad\ufeff\U000e0041",
    "format braces": "{task.description} %s {0}",
}


def printed(capsys: pytest.CaptureFixture[str], *body: Any) -> str:
    assert emit(Report({}, body, 0), sys.stdout, as_json=False) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_content(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Any text in any block is shown as it is or escaped: it ends no line, brings no style, fits."""
    blocks = [
        text,
        f"  {text}",
        (text, Styled(text, "fault")),
        heading(text),
        fields([(text, text)], indent=2),
        findings("fault", [(text, text)]),
        Table([(text, Styled(text, "warning"), (text, text))], header=("a", "b", "c")),
    ]
    for block in blocks:
        out = printed(capsys, block)
        assert fits(out)
        assert len(out) < 30_000
    shown = printed(capsys, f"<{text[:60]}>")
    assert "".join(plain(f"<{text[:60]}>").split()) == "".join(shown.split())


@pytest.fixture(scope="module")
def seen_in_colour(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each text becomes on a terminal, in one process."""
    texts, mark = tmp_path_factory.mktemp("texts") / "texts.json", "-- and the next one --\n"
    texts.write_text(json.dumps([text[:3000] for text in HOSTILE.values()]))
    program = (
        "import sys, json; from handlers.commands.output.report import *\n"
        "for text in json.load(open(sys.argv[1])):\n"
        "    emit(Report({}, [text, Table([(Styled(text, 'fault'), text)])], 0), sys.stdout, as_json=False)\n"
        f"    print({mark!r}, end='')"
    )
    *seen, end = on_terminal(sys.executable, "-c", program, str(texts)).split(mark)
    assert end == ""
    return dict(zip(HOSTILE, seen, strict=True))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_content_in_colour(seen_in_colour: dict[str, str], name: str) -> None:
    """On a terminal, the only escape sequences are our own."""
    seen = seen_in_colour[name]
    assert seen
    assert set(ESCAPE.findall(seen)) <= {"\x1b[1;31m", "\x1b[0m"}
    assert fits(ESCAPE.sub("", seen))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_is_ascii(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """JSON has every text whole, in printable ASCII."""
    emit(Report({text: [text]}, [text], 0), sys.stdout, as_json=True)
    out = capsys.readouterr().out
    assert out.isascii()
    assert out.replace("\n", "").isprintable()
    assert json.loads(out) == {text: [text]}


def test_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns are as wide as their without_binary, and what does not fit is wrapped within its column."""
    rows = [("tags.env", "a", ""), (("b", Styled("c", "ok")), "word " * 16, "")]
    assert printed(capsys, Table(rows, ("", "second", ""), indent=2)) == (
        "            second\n"
        "  tags.env  a\n"
        "  bc        word word word word word word word word word word word word word\n"
        "            word word word\n"
    )


def test_many_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """A long table is printed piece by piece while its rows are made, each piece under the header."""
    seen = []

    def rows() -> Iterator[tuple[str]]:
        for number in range(2500):
            seen.append(len(capsys.readouterr().out.splitlines()))
            yield (f"row {number}",)

    rest = printed(capsys, Table(rows(), ("name",)))
    assert sorted(set(seen)) == [0, 1001]
    assert [line for line in rest.splitlines() if line == "name"] == ["name"]


def test_no_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """A table without rows prints nothing, not even its header."""
    assert printed(capsys, Table([], ("name",)), fields([]), findings("fault", []), "end") == "end\n"


@pytest.mark.parametrize("rows", [[], [1], [{"a": [1]}, "\x7f\ud800"]], ids=str)
def test_json_row_by_row(capsys: pytest.CaptureFixture[str], rows: list[Any]) -> None:
    """A long document is printed while it is made, as if it were printed at once, and its end decides."""
    seen = []

    def made() -> Iterator[Any]:
        for row in rows:
            seen.append(capsys.readouterr().out)
            yield row

    def rest() -> dict[str, Any]:
        seen.append(capsys.readouterr().out)
        return {"seen": len(rows)}

    report = Report(json_document("rows", made(), rest), [], lambda: len(rows))
    assert emit(report, sys.stdout, as_json=True) == len(rows)
    text = "".join([*seen, capsys.readouterr().out])
    assert text.isascii()
    assert json.loads(text) == {"rows": rows, "seen": len(rows)}
    assert text == json.dumps(json.loads(text), indent=2).replace("\x7f", "\\u007f") + "\n" or not rows
    assert len(seen) == len(rows) + 1


BINARY = {
    "zeros": ("\0" * 5000, "5000 bytes of binary data"),
    "a picture": ("PNG\r\n\x1a\n\0\0\0\rIHDR" + "\1" * 9, "24 bytes of binary data"),
    "UTF-16": ("\0".join("an event" * 10), "159 bytes of binary data"),
    "text": ("Größe\n\tx", "Größe\n\tx"),
    "text with an escape": ("\x1b[31mred", "\x1b[31mred"),
    "nothing": ("", ""),
    "members": ({"a": ["\0" * 9, 1], "b": None}, {"a": ["9 bytes of binary data", 1], "b": None}),
}


@pytest.mark.parametrize(("value", "shown"), BINARY.values(), ids=BINARY)
def test_binary(value: Any, shown: Any) -> None:
    """Binary data is shown as its size, not as a thousand escapes."""
    assert without_binary(value) == shown


def test_a_binary_value() -> None:
    """The same holds for a text within an event."""
    assert quoted("\0" * 1000) == "1000 bytes of binary data"
    assert quoted("\ud800" * 10) == "30 bytes of binary data"
    assert quoted("a\0b") == '"a\\u0000b"'


@pytest.mark.parametrize(
    ("number", "words"), [(0, "no rules"), (1, "1 rule"), (2, "2 rules"), (50_000, "50,000 rules")]
)
def test_counted(number: int, words: str) -> None:
    """A number comes with its noun in the right form."""
    assert counted(number, "rule") == words


# -- what is loaded ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--json"],
        ["explain", "--json", "tests/events/plain-batch.json"],
        ["test", "--json"],
        ["schema"],
    ],
    ids=" ".join,
)
def test_json_does_not_load_rich(arguments: list[str]) -> None:
    """With `--json`, rich is not imported."""
    command = [sys.executable, "-X", "importtime", "main.py", *arguments]
    ran = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "handlers.commands.output.report" in loaded
    assert not [name for name in loaded if name.partition(".")[0] == "rich"]


def test_serving_does_not_load_rich() -> None:
    """The function starts without importing rich."""
    settings = {"PATH": os.environ["PATH"], "IMS_ENDPOINT": "https://ims.example.com", "OS_TOKEN": "token"}
    program = "import functions_framework, main, sys; print([name for name in sys.modules if 'rich' in name])"
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


# -- progress ---------------------------------------------------------------------------------------


def stepped(*notes: str, seconds: float) -> None:
    """Steps of so many seconds each."""
    clock = count(0, seconds)
    with Progress("events explained", total=9_999, clock=lambda: next(clock)) as progress:
        for note in notes:
            progress.step(note)


def test_short_work_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """Short work shows no progress."""
    stepped(*["x"] * 19, seconds=SILENCE / 20)
    assert capsys.readouterr() == ("", "")


def test_progress_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Long work shows its progress on standard error, a line every few seconds, with notes escaped."""
    stepped("", "\x1b[31m[red]", "", "", seconds=SILENCE)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "1 of 9,999 events explained",
        r"2 of 9,999 events explained: \u001b[31m[red]",
        "3 of 9,999 events explained",
        "4 of 9,999 events explained",
    ]


def test_progress_on_a_terminal() -> None:
    """A terminal gets a bar in place of lines, which disappears at the end."""
    program = (
        "from itertools import count; from handlers.commands.output.progress import Progress\n"
        "clock = count(0, 2)\n"
        "with Progress('events explained', 4, clock=lambda: next(clock)) as progress:\n"
        "    for _ in range(4): progress.step('[red]none[/red] failed')\n"
        "print('the result')"
    )
    seen = on_terminal(sys.executable, "-c", program)
    assert "━" in seen
    assert "4/4 events explained: [red]none[/red] failed" in ESCAPE.sub("", seen)
    assert seen.endswith("\x1b[2Kthe result\n")
