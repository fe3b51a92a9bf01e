"""`dead-letters list` and `show`: every form of a dead letter, told so that a stranger can act on it."""

import base64
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.commands.advice import BY_ERROR, BY_STATUS, UNEXPLAINED, UNREADABLE
from handlers.commands.json_lines import LINE_MAX
from handlers.commands.letters import Found, Skipped, letters_in
from handlers.core import dead_letters
from handlers.core.dead_letters import UNPARSABLE_TYPE, kept_dead_letter
from handlers.core.errors import InvalidEvent
from handlers.core.outcomes import TABLE, Outcome
from handlers.core.received import Received, Unparsable
from handlers.edges.sinks import file_sink
from tests import golden
from tests.commands import Commands, fits
from tests.function import LONG_AGO, created

ROOT = Path(__file__).parent.parent

ID = "62a15f6c-9197-44d2-89c7-708981c1bec1"
OTHER = "67437ebd-2563-46e0-887e-ad1923977fa1"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FULL = Outcome("dead-letter", "TagQuotaExceeded", "the image is full", "IMG.0116")
TRACE = (golden.FOLDER / "cts-trigger.json").read_text()
TRACED = "b5c2a0de-9c1f-4a2b-8d43-6f4e2d1c0b9a"


def dead_letter(event: dict[str, Any], outcome: Outcome, now: datetime) -> dict[str, Any]:
    """As the function writes it."""
    letter: dict[str, Any] = json.loads(dead_letters.dead_letter(Received(event), outcome, now))
    return letter


def unparsable(body: bytes, content_type: str | None) -> dict[str, Any]:
    """The event that holds a request which was none."""
    letter: dict[str, Any] = json.loads(
        kept_dead_letter(Unparsable(body, content_type or "", InvalidEvent("it is none")))
    )
    return letter


def knative(event: dict[str, Any], code: int, data: str) -> dict[str, Any]:
    """As brokers deliver to a dead-letter sink."""
    facts = {"knativeerrordest": "http://tagger/", "knativeerrorcode": code, "knativeerrordata": data}
    return event | facts


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def notification(payload: Any, response: str = "", **context: Any) -> dict[str, Any]:
    """As FunctionGraph publishes it, with its unusual timestamp."""
    return {
        "timestamp": "2020-08-20T12:00:00.000Z+08:00",
        "request_context": {"request_id": "1167bf8c", "approximate_invoke_count": 3},
        "request_payload": payload,
        "response_context": {"function_error": "", **context},
        "response_payload": response,
    }


def written(folder: Path, *lines: Any) -> Path:
    """A file of lines: bytes as they are, all else as JSON."""
    path = folder / "dead-letters.jsonl"
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines]
    path.write_bytes(b"".join(texts))
    return path


SAID = "TagQuotaExceeded: the image is full"
OURS = ("2026-03-01T12:00:00Z", "TagQuotaExceeded", "IMG.0116", [ID], f"event-of-{ID}")
KNATIVE = (LONG_AGO, "TagQuotaExceeded", "400", [ID], f"event-of-{ID}")
GRAPH = ("2026-01-05T10:18:30Z", "TagQuotaExceeded", "400", [TRACED], "c0a9a4b1-7d0f-4b4c-8a83-2f4f6d1e3a04")

FORMS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "the function's": (dead_letter(created(ID), FULL, NOW), OURS),
    "the function's, after a bus": (knative(dead_letter(created(ID), FULL, NOW), 400, "x"), OURS),
    "Knative": (knative(created(ID), 400, encoded(SAID)), KNATIVE),
    "Knative, plain text": (knative(created(ID), 400, SAID), KNATIVE),
    "Knative, code as text": (knative(created(ID), 400, SAID) | {"knativeerrorcode": "400"}, KNATIVE),
    "Knative, no reply": (
        created(ID, knativeerrordest="http://tagger/"),
        (LONG_AGO, "", "", [ID], f"event-of-{ID}"),
    ),
    "NATS": (knative(created(ID), 400, encoded(SAID)) | {"deliveryattempts": 1}, KNATIVE),
    "NATS, as listed": (
        {
            "sequence": 7,
            "stored": "2026-03-01T12:00:00+00:00",
            "subject": "images.created",
            "code": 400,
            "reason": SAID,
            "attempts": 1,
            "destination": "http://tagger/",
            "event": created(ID),
        },
        ("2026-03-01T12:00:00Z", *KNATIVE[1:]),
    ),
    "FunctionGraph": (notification(TRACE, SAID, status_code=400), GRAPH),
    "FunctionGraph, the other spelling": (notification(TRACE, SAID, statusCode=400), GRAPH),
    "FunctionGraph, payload as an object": (notification(json.loads(TRACE), SAID, status_code=400), GRAPH),
    "FunctionGraph, more and less": (
        {"request_payload": TRACE, "response_payload": SAID, "response_context": {"statusCode": 400}, "x": 1},
        GRAPH,
    ),
    "FunctionGraph, an empty payload": (notification("", status_code=200), (None, "", "200", [], "")),
    "unparsable": (
        dead_letter(unparsable(b"hello", "text/plain"), Outcome("dead-letter", "InvalidEvent"), NOW),
        ("2026-03-01T12:00:00Z", "InvalidEvent", "", [], unparsable(b"hello", None)["id"]),
    ),
}


@pytest.mark.parametrize("indent", [None, 2], ids=["a line", "printed for people"])
@pytest.mark.parametrize(("letter", "row"), FORMS.values(), ids=FORMS)
def test_forms(commands: Commands, tmp_path: Path, letter: Any, row: tuple[Any, ...], indent: int) -> None:
    """Each form of a dead letter is read, on one line or printed for people."""
    path = written(tmp_path, json.dumps(letter, indent=indent).encode() + b"\n")
    ran = commands("dead-letters", "list", path, "--json")
    assert ran.code == 0
    (listed,) = ran.json["letters"]
    assert tuple(listed[name] for name in ("time", "reason", "code", "images", "id")) == row
    assert listed["line"] == 1
    assert ran.json["skipped"] == []


def test_the_sinks_own_file(commands: Commands, tmp_path: Path) -> None:
    """What the file sink writes is read back, and counted by reason."""
    path = tmp_path / "sink"
    keep = file_sink(path)
    for image_id, outcome in ((ID, FULL), (OTHER, FULL), (ID, FULL._replace(reason="InvalidTag"))):
        line = dead_letters.dead_letter(Received(created(image_id)), outcome, NOW)
        keep([line], time.monotonic() + 5)
    ran = commands("dead-letters", "list", path)
    assert fits(ran.out)
    assert "2026-03-01T12:00:00Z  TagQuotaExceeded      IMG.0116\n" in ran.out
    assert f"    {ID}  com.example.image.created\n" in ran.out
    assert ran.out.endswith("3 dead letters: 2 TagQuotaExceeded, 1 InvalidTag\n")


NO_LETTERS: dict[str, bytes] = {
    "no JSON": b"2026-01-05 started\n",
    "not UTF-8": b'{"specversion": "\xff"}\n',
    "half of a surrogate pair": b'{"specversion": "\\ud800"}\n',
    "nested without end": b"[" * 100_000 + b"\n",
    "a text": b'"specversion"\n',
    "an array": b"[{}]\n",
    "a message of NATS that is no event": b'{"sequence": 1, "event": {"headers": {}, "text": "x"}}\n',
    "a log line": b'{"event": "image.tagged"}\n',
    "an event that is no dead letter": json.dumps(created(ID)).encode() + b"\n",
    "longer than a line may be": b'{"x": "' + b"x" * LINE_MAX + b'"}\n',
    "printed for people, and longer": b"{\n" + (b'"x": "' + b"x" * 2**20 + b'",\n') * 17 + b"}\n",
    "an object that does not end": b"{\n",
    "an object for people that does not end": b'{\n  "specversion": "1.0",\n',
}


@pytest.mark.parametrize("line", NO_LETTERS.values(), ids=NO_LETTERS)
def test_no_letters(commands: Commands, tmp_path: Path, line: bytes) -> None:
    """A line that is no dead letter is told by its number, and the letters around it are read."""
    letter = dead_letter(created(ID), FULL, NOW)
    path = written(tmp_path, letter, line, letter)
    ran = commands("dead-letters", "list", path)
    assert (ran.code, ran.err) == (0, "")
    assert fits(ran.out)
    assert "line 2 is left out: it is" in ran.out
    assert "\n1 line left out\n" in ran.out
    assert len(commands("dead-letters", "list", path, "--json").json["letters"]) == 2
    assert commands("dead-letters", "redrive", "--dry-run", path).code == 1


def test_many_lines_that_are_none(commands: Commands, tmp_path: Path) -> None:
    """Of the other lines in a log, the first are told for people, all are counted, and JSON has all."""
    path = written(tmp_path, *[b"started\n"] * 500, dead_letter(created(ID), FULL, NOW))
    ran = commands("dead-letters", "list", path)
    assert "line 20 is left out" in ran.out
    assert "line 21 is left out" not in ran.out
    assert ran.out.endswith("500 lines left out\n1 dead letter: 1 TagQuotaExceeded\n")
    assert len(commands("dead-letters", "list", path, "--json").json["skipped"]) == 500


def test_a_torn_last_line(commands: Commands, tmp_path: Path) -> None:
    """The last line of a writer that was killed, or still writes, is told and is no fault."""
    path = written(tmp_path, dead_letter(created(ID), FULL, NOW), b'{"specversion": "1.')
    ran = commands("dead-letters", "redrive", "--dry-run", path)
    assert ran.code == 0
    assert "line 2 is left out: it breaks off" in ran.out


def test_a_whole_last_line_without_its_end(commands: Commands, tmp_path: Path) -> None:
    """A last letter counts though no line end follows it."""
    path = written(tmp_path, json.dumps(dead_letter(created(ID), FULL, NOW)).encode())
    assert len(commands("dead-letters", "list", path, "--json").json["letters"]) == 1


NAMES = [
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "data",
    "data_base64",
    "datacontenttype",
    "bodybytes",
    "deadletterreason",
    "deadlettercode",
    "deadlettertime",
    "knativeerrordata",
    "knativeerrorcode",
    "sequence",
    "event",
    "request_payload",
    "response_payload",
    "response_context",
]
MEMBERS = st.sampled_from(["1.0", UNPARSABLE_TYPE, "image.created", "{}", "aGVsbG8=", 1, 1.5])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES), inner | MEMBERS),
    max_leaves=20,
)


@given(st.lists(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode())))
def test_whatever_a_file_holds(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    """No content of a file is an error."""
    path = tmp_path_factory.getbasetemp() / "whatever"
    path.write_bytes(b"\n".join(lines))
    assert all(isinstance(each, Found | Skipped) for each in letters_in(str(path)))


A = dead_letter(created(ID), FULL, NOW)
B = knative(created(OTHER), 503, encoded("Throttled: slowly"))
C = knative(created(ID, id="undated", time=None), 400, SAID)
ENCODED = created(ID, deadletterreason="InvalidTag", time=None, data=None, datacontenttype="application/json")
D = ENCODED | {"id": "encoded", "data_base64": encoded(json.dumps({"image_id": OTHER}))}
SELECTED: dict[str, tuple[list[str], list[dict[str, Any]]]] = {
    "all": ([], [A, B, C, D]),
    "reason": (["--reason", "tagquotaexceeded"], [A, C]),
    "code of the tag API": (["--code", "img.0116"], [A]),
    "status": (["--code", "503"], [B]),
    "since a date": (["--since", "2026-03-01"], [A]),
    "since a moment": (["--since", "2026-03-01T13:00:00+01:00"], [A]),
    "since a later moment": (["--since", "2026-03-01T12:00:01Z"], []),
    "until a date": (["--until", "2026-03-01"], [B]),
    "until that moment": (["--until", "2026-03-01T12:00:00Z"], [B]),
    "image": (["--image", ID.upper()], [A, C]),
    "image in encoded data": (["--image", OTHER], [B, D]),
    "event": (["--id", "undated"], [C]),
    "two at once": (["--image", ID, "--code", "400"], [C]),
}


@pytest.mark.parametrize("verb", ["list", "show", "redrive"])
@pytest.mark.parametrize(("options", "expected"), SELECTED.values(), ids=SELECTED)
def test_selection(
    commands: Commands, tmp_path: Path, verb: str, options: list[str], expected: list[dict[str, Any]]
) -> None:
    """All that is asked must hold. Times are of the dead letter, else of the event; no time is of none."""
    dry = ["--dry-run"] if verb == "redrive" else []
    ran = commands("dead-letters", verb, written(tmp_path, A, B, C, D), "--json", *options, *dry)
    assert ran.code == 0
    assert [letter["id"] for letter in ran.json["letters"]] == [letter["id"] for letter in expected]


WRONG = {
    "no verb": ([], "VERB"),
    "a time that is none": (["list", "--since", "yesterday"], "2026-01-05T10:15:30Z"),
    "an image that is no UUID": (["list", "--image", "42"], "UUID"),
    "a rate of nothing": (["redrive", "--rate", "0"], "rate"),
    "a rate that is no number": (["redrive", "--rate", "nan"], "rate"),
}


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_wrong_usage(
    commands: Commands, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """Wrong usage is exit code 2, and the sentence says what would be right."""
    with pytest.raises(SystemExit) as ended:
        commands("dead-letters", *arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["nowhere", "", "x" * 300], ids=["no such file", "a folder", "a name too long"]
)
@pytest.mark.parametrize("verb", [["list"], ["show"], ["redrive", "--dry-run"]], ids=" ".join)
def test_no_file(commands: Commands, tmp_path: Path, verb: list[str], name: str) -> None:
    """A file that cannot be read is one sentence and exit code 2."""
    ran = commands("dead-letters", *verb, tmp_path / name)
    assert (ran.code, ran.out) == (2, "")
    assert "cannot be read" in " ".join(ran.err.split())


def piped(*arguments: str, given: bytes | None) -> "subprocess.CompletedProcess[bytes]":
    """Runs with this standard input; None: with none at all."""
    command = [sys.executable, "main.py", "dead-letters", *arguments]
    if given is None:
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    return subprocess.run(command, cwd=ROOT, input=given or b"", capture_output=True, check=False, env={})


@pytest.mark.parametrize("name", [[], ["-"]], ids=["by default", "by name"])
def test_standard_input(name: list[str]) -> None:
    """Letters can be piped in, among other lines."""
    ran = piped("list", "--json", *name, given=b"started\n" + json.dumps(A).encode())
    assert (ran.returncode, ran.stderr) == (0, b"")
    found = json.loads(ran.stdout)
    assert [letter["id"] for letter in found["letters"]] == [A["id"]]
    assert [each["line"] for each in found["skipped"]] == [1]


def test_no_standard_input() -> None:
    """Without standard input a sentence asks for a file."""
    ran = piped("list", given=None)
    assert ran.returncode == 2
    assert b"name a file" in ran.stderr


# -- show -------------------------------------------------------------------------------------------


def test_every_error_has_its_advice() -> None:
    """Every row of the table of outcomes can end as a dead letter, at the latest when the bus gives up."""
    assert BY_ERROR.keys() == TABLE.keys()


@pytest.mark.parametrize("error", TABLE, ids=lambda error: error.__name__)
def test_show(commands: Commands, tmp_path: Path, error: type[Exception]) -> None:
    """A dead letter of each error is shown: what happened, why it stays so, what to do, and the event."""
    name = "KeyError" if error is Exception else error.__name__
    outcome = Outcome("dead-letter", name, "the words of the function", "IMG.0001", "the rule")
    path = written(tmp_path, dead_letter(created(ID), outcome, NOW))
    ran = commands("dead-letters", "show", path)
    assert ran.code == 0
    assert fits(ran.out)
    happened, to_do = BY_ERROR[error]
    parts = [
        "Dead letter in line 1, of 2026-03-01T12:00:00Z",
        f"image {ID}",
        "What happened",
        happened,
        f"reason: {name} code: IMG.0001 rule: the rule message: the words of the function",
        "Why it will not go right by itself",
        TABLE[error].why,
        "What to do",
        to_do,
        "The event",
        f'"image_id": "{ID}"',
    ]
    said = " ".join(ran.out.split())
    place = 0
    for part in parts:
        place = said.find(part, place)
        assert place >= 0, part


UNREASONED = {
    "nothing readable": (knative(unparsable(b"hello", None), 400, "no event"), UNREADABLE),
    "a payload that is no JSON": (notification("hello", "no event", status_code=400), UNREADABLE),
    "no answer": (created(ID, knativeerrordest="http://tagger/"), UNEXPLAINED),
    "a gateway's answer": (knative(created(ID), 404, "no such page"), UNEXPLAINED),
    **{
        status: (knative(created(ID), int(status), encoded("at the door")), advice)
        for status, advice in BY_STATUS.items()
    },
}


@pytest.mark.parametrize(("letter", "advice"), UNREASONED.values(), ids=UNREASONED)
def test_show_without_a_reason(
    commands: Commands, tmp_path: Path, letter: dict[str, Any], advice: tuple[str, ...]
) -> None:
    """Where no error is named, the event and the last status tell what to do."""
    (shown,) = commands("dead-letters", "show", "--json", written(tmp_path, letter)).json["letters"]
    assert (shown["happened"], shown["why_it_stays"], shown["to_do"]) == tuple(advice)


def test_show_what_was_no_event(commands: Commands, tmp_path: Path) -> None:
    """Of a request that was no event, its text is shown, and nothing in it steers the terminal."""
    letter = unparsable(b"hel\x1b[31mlo\xff", "text/plain") | {"deadletterreason": "InvalidEvent"}
    ran = commands("dead-letters", "show", written(tmp_path, letter))
    assert fits(ran.out)
    assert "  hel\\u001b[31mlo\\xff\n" in ran.out


HOSTILE = {
    "escapes": "\x1b[2J\x1b]0;owned\x07\r",
    "line ends": "a\n1 dead letter\u2028\x85b",
    "bidi": "\u202egnp.\u2066",
    "huge": "x" * 500_000,
    "many lines": "word\n" * 10_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("verb", ["list", "show"])
def test_hostile_values(commands: Commands, tmp_path: Path, verb: str, text: str) -> None:
    """No value can end a line, steer a terminal or flood it; JSON has it whole."""
    letter = created(ID, id=text, type=f"image.created{text}", source=text) | {
        "data": {"image_id": ID, "name": text, "numbers": [*range(50_000)]},
        "deadletterreason": text,
        "deadlettercode": text,
        "deadlettermessage": text,
        "deadletterrule": text,
    }
    path = written(tmp_path, letter)
    ran = commands("dead-letters", verb, path)
    assert (ran.code, ran.err) == (0, "")
    assert fits(ran.out)
    assert len(ran.out) < 250_000
    assert "\n1 dead letter\n" not in ran.out.removesuffix("1 dead letter\n")
    assert commands("dead-letters", verb, path, "--json").json["letters"][0]["id"] == text
