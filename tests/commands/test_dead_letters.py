"""`dead-letters list` and `show`: every form of a dead letter, wherever it is kept, told to a stranger."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.commands.dead_letters.json_lines import LINE_MAX
from handlers.commands.dead_letters.reading import UNREADABLE_MAX
from handlers.commands.dead_letters.stores import Entry, FileStore, Unreadable
from handlers.core.dead_letters import dead_letter
from handlers.core.dead_letters.advice import advice
from handlers.core.dead_letters.attributes import UNPARSABLE_TYPE
from handlers.core.dead_letters.forms import parse_dead_letter
from handlers.core.errors import InvalidEvent
from handlers.core.outcomes import Outcome
from handlers.core.received import Received, Unparsable
from handlers.edges.sinks import file_sink
from tests.processes.commands import Commands, fits
from tests.processes.function import LONG_AGO, created
from tests.support import sample_files
from tests.support.dead_letter_places import (
    ID,
    OTHER,
    Json,
    Place,
    by_bus,
    by_function,
    encoded,
    ids,
    standard_input,
    written,
)
from tests.support.paths import ROOT

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAID = "TagQuotaExceeded: the image is full"
TRACE = (sample_files.FOLDER / "cts-trigger.json").read_text()
TRACED = "b5c2a0de-9c1f-4a2b-8d43-6f4e2d1c0b9a"

# -- what is read -----------------------------------------------------------------------------------


def notification(payload: Any, response: str = "", **context: Any) -> Json:
    """As FunctionGraph publishes it, with its unusual timestamp."""
    return {
        "timestamp": "2020-08-20T12:00:00.000Z+08:00",
        "request_context": {"request_id": "1167bf8c", "approximate_invoke_count": 3},
        "request_payload": payload,
        "response_context": {"function_error": "", **context},
        "response_payload": response,
    }


def unparsable(body: bytes, content_type: str = "text/plain") -> Json:
    """What the function's sink stores of a request that holds no event."""
    request = Unparsable(body, content_type, InvalidEvent("it is none"))
    stored: Json = json.loads(dead_letter(request, Outcome("dead-letter", "InvalidEvent"), NOW))
    return stored


AT_NOON, QUOTA = "2026-03-01T12:00:00Z", "TagQuotaExceeded"
OURS = (AT_NOON, QUOTA, "IMG.0116", None, [ID], f"event-of-{ID}")
KNATIVE = (LONG_AGO, QUOTA, "", 400, [ID], f"event-of-{ID}")
NO_REPLY = (LONG_AGO, "", "", None, [ID], f"event-of-{ID}")
CODED = (LONG_AGO, QUOTA, "IMG.0116", 400, [ID], f"event-of-{ID}")
GRAPH = ("2026-01-05T10:18:30Z", QUOTA, "", 400, [TRACED], "c0a9a4b1-7d0f-4b4c-8a83-2f4f6d1e3a04")

FORMS: dict[str, tuple[Json, tuple[Any, ...]]] = {
    "the function's": (by_function(created(ID)), OURS),
    "the function's, after a bus": (by_bus(by_function(created(ID)), None, "x"), OURS),
    "Knative": (by_bus(created(ID), 400, encoded(SAID)), KNATIVE),
    "Knative, with a code": (by_bus(created(ID), 400, encoded(f"{SAID} (HTTP 400 IMG.0116 no)")), CODED),
    "Knative, plain text": (by_bus(created(ID), 400, SAID), KNATIVE),
    "Knative, status as text": (by_bus(created(ID), 400, SAID, knativeerrorcode="400"), KNATIVE),
    "Knative, no reply": (created(ID, knativeerrordest="http://tagger/"), NO_REPLY),
    "NATS": (by_bus(created(ID), 400, encoded(SAID), deliveryattempts=1), KNATIVE),
    "FunctionGraph": (notification(TRACE, SAID, status_code=400), GRAPH),
    "FunctionGraph, the other spelling": (notification(TRACE, SAID, statusCode=400), GRAPH),
    "FunctionGraph, payload as an object": (notification(json.loads(TRACE), SAID, status_code=400), GRAPH),
    "FunctionGraph, more and less": (
        {"request_payload": TRACE, "response_payload": SAID, "response_context": {"statusCode": 400}, "x": 1},
        GRAPH,
    ),
    "FunctionGraph, an empty payload": (notification("", status_code=200), (None, "", "", 200, [], "")),
    "unparsable": (
        unparsable(b"hello"),
        (AT_NOON, "InvalidEvent", "", None, [], unparsable(b"hello")["id"]),
    ),
}


@pytest.mark.parametrize("indent", [None, 2], ids=["a line", "printed for people"])
@pytest.mark.parametrize(("kept", "row"), FORMS.values(), ids=FORMS)
def test_forms(commands: Commands, tmp_path: Path, kept: Json, row: tuple[Any, ...], indent: int) -> None:
    """Each form of a dead letter is read, on one line or printed for people."""
    path = written(tmp_path, json.dumps(kept, indent=indent).encode() + b"\n")
    ran = commands("dead-letters", "list", path, "--json")
    assert ran.code == 0
    (listed,) = ran.json["dead_letters"]
    assert tuple(listed[name] for name in ("time", "reason", "code", "status", "images", "id")) == row
    assert listed["position"] == 1
    assert ran.json["unreadable"] == []


def test_the_sinks_own_file(commands: Commands, tmp_path: Path) -> None:
    """What the file sink writes is read back, and counted by reason."""
    path, full = tmp_path / "sink", Outcome("dead-letter", QUOTA, "it is full", "IMG.0116")
    for image_id, outcome in ((ID, full), (OTHER, full), (ID, full._replace(reason="InvalidTag"))):
        file_sink(path)([dead_letter(Received(created(image_id)), outcome, NOW)], 0)
    ran = commands("dead-letters", "list", path)
    assert fits(ran.out)
    words = " ".join(ran.out.split())
    assert f"1 {AT_NOON} {QUOTA} IMG.0116 {ID} com.example.image.created 2 {AT_NOON}" in words
    assert words.endswith("3 dead letters: 2 TagQuotaExceeded, 1 InvalidTag")


NONE_AT_ALL: dict[str, bytes] = {
    "no JSON": b"2026-01-05 started\n",
    "not UTF-8": b'{"specversion": "\xff"}\n',
    "half of a surrogate pair": b'{"specversion": "\\ud800"}\n',
    "nested without end": b"[" * 100_000 + b"\n",
    "an object nested without end": b'{"specversion":' * 100_000 + b"\n",
    "a text": b'"specversion"\n',
    "an array": b"[{}]\n",
    "a name twice": b'{"specversion": "1.0", "deadletterreason": "x", "specversion": "1.0"}\n',
    "a log line": b'{"event": "image.tagged"}\n',
    "an event that is no dead letter": json.dumps(created(ID)).encode() + b"\n",
    "longer than a line may be": b'{"x": "' + b"x" * LINE_MAX + b'"}\n',
    "printed for people, and longer": b"{\n" + (b'"x": "' + b"x" * 2**20 + b'",\n') * 17 + b"}\n",
    "an object that does not end": b"{\n",
    "an object for people that does not end": b'{\n  "specversion": "1.0",\n',
}


@pytest.mark.parametrize("line", NONE_AT_ALL.values(), ids=NONE_AT_ALL)
@pytest.mark.parametrize("verb", [["list"], ["show"], ["redrive", "--dry-run"]], ids=" ".join)
def test_no_dead_letter(commands: Commands, tmp_path: Path, line: bytes, verb: list[str]) -> None:
    """A line that is no dead letter is named by its number, exit code 1, and those around it are read."""
    kept = by_function(created(ID))
    path = written(tmp_path, kept, line, kept)
    ran = commands("dead-letters", *verb, path)
    assert (ran.code, ran.err) == (1, "")
    assert fits(ran.out)
    assert "line 2 is left out: it is" in ran.out
    assert "\n1 line left out\n" in ran.out
    assert len(commands("dead-letters", *verb, path, "--json").json["dead_letters"]) == 2


def test_many_lines_that_are_none(commands: Commands, tmp_path: Path) -> None:
    """Of the other lines in a log, people see the first, JSON has more, and all are counted."""
    path = written(tmp_path, *[b"started\n"] * (UNREADABLE_MAX + 500), by_function(created(ID)))
    ran = commands("dead-letters", "list", path)
    assert "line 20 is left out" in ran.out
    assert "line 21 is left out" not in ran.out
    assert "1500 lines left out\n1 dead letter: 1 TagQuotaExceeded\n" in ran.out.replace(",", "")
    found = commands("dead-letters", "list", path, "--json").json
    assert (len(found["unreadable"]), found["unreadable_count"]) == (UNREADABLE_MAX, 1500)


def test_a_truncated_last_line(commands: Commands, tmp_path: Path) -> None:
    """The last line of a writer that was killed, or still writes, is named and is no fault."""
    path = written(tmp_path, by_function(created(ID)), b'{"specversion": "1.')
    ran = commands("dead-letters", "redrive", "--dry-run", path)
    assert ran.code == 0
    assert "line 2 is left out: it breaks off" in ran.out


def test_a_whole_last_line_without_its_end(commands: Commands, tmp_path: Path) -> None:
    """A last dead letter counts though no line end follows it."""
    path = written(tmp_path, json.dumps(by_function(created(ID))).encode())
    assert len(commands("dead-letters", "list", path, "--json").json["dead_letters"]) == 1


NAMES = [
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "data",
    "data_base64",
    "datacontenttype",
    "requestheaders",
    "deadletterreason",
    "deadlettercode",
    "deadlettertime",
    "knativeerrordata",
    "knativeerrorcode",
    "events",
    "trace_id",
    "trace_name",
    "request_payload",
    "request_context",
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
    """No content of a file is an error, and whatever is a dead letter can be explained."""
    path = tmp_path_factory.getbasetemp() / "whatever"
    path.write_bytes(b"\n".join(lines))
    store = FileStore(str(path))
    for each in store.entries():
        assert isinstance(each, Entry | Unreadable)
        assert isinstance(each, Unreadable) or all(advice(each.dead_letter))
    store.close()


# -- which are meant --------------------------------------------------------------------------------

A = by_function(created(ID, id="a"))
B = by_bus(created(OTHER, id="b"), 503, encoded("Throttled: slowly"), deadlettertime="2026-02-01T00:00:00Z")
C = by_bus(created(ID, id="c"), 400, encoded(f"{SAID} (HTTP 400 IMG.0116 no)"), deadlettertime=AT_NOON)
ENCODED = created(ID, id="d", data=None, datacontenttype="application/json")
D = by_function(ENCODED, "InvalidTag", code="", time="2026-04-01T00:00:00Z")
D |= {"data_base64": encoded(json.dumps({"image_id": OTHER}))}
E = by_bus(created(ID, id="e"), None, encoded("No reply in time"), deadlettertime="2026-04-01T00:00:00Z")

SELECTED: dict[str, tuple[list[str], list[str]]] = {
    "all": ([], ["a", "b", "c", "d", "e"]),
    "a reason in any case, also in a reply": (["--reason", "tagquotaexceeded"], ["a", "c"]),
    "a part of a reason": (["--reason", "TagQuota"], []),
    "code of the tag API, also in a reply": (["--code", "img.0116"], ["a", "c"]),
    "status": (["--code", "503"], ["b"]),
    "neither": (["--code", "none"], ["d", "e"]),
    "since a date": (["--since", "2026-03-01"], ["a", "c", "d", "e"]),
    "since a moment": (["--since", "2026-03-01T13:00:00+01:00"], ["a", "c", "d", "e"]),
    "since a later moment": (["--since", "2026-03-01T12:00:01Z"], ["d", "e"]),
    "until a date": (["--until", "2026-03-01"], ["b"]),
    "until that moment": (["--until", AT_NOON], ["b"]),
    "image": (["--image", ID.upper()], ["a", "c", "e"]),
    "image in encoded data": (["--image", OTHER], ["b", "d"]),
    "event": (["--id", "d"], ["d"]),
    "two at once": (["--image", ID, "--code", "400"], ["c"]),
}


@pytest.mark.parametrize("verb", [["list"], ["show"], ["redrive", "--dry-run"]], ids=" ".join)
@pytest.mark.parametrize(("options", "expected"), SELECTED.values(), ids=SELECTED)
def test_selection(place: Place, verb: list[str], options: list[str], expected: list[str]) -> None:
    """The same options choose the same dead letters everywhere, and all that are given must hold."""
    place.put(A, B, C, D, E)
    ran = place.run(*verb, "--json", *options)
    assert ran.code == 0
    assert ids(ran.json["dead_letters"]) == expected
    assert place.left() == ["a", "b", "c", "d", "e"]


def test_without_a_time(commands: Commands, tmp_path: Path) -> None:
    """A dead letter without a time is neither since nor until any; else the event's own time counts."""
    path = written(tmp_path, by_bus(created(ID, time=None), 400, SAID), by_bus(created(OTHER), 400, SAID))
    for option in ("--since", "--until"):
        moment = {"--since": LONG_AGO, "--until": "2026-01-06"}[option]
        listed = commands("dead-letters", "list", path, "--json", option, moment).json["dead_letters"]
        assert ids(listed) == [f"event-of-{OTHER}"]


WRONG = {
    "no verb": ([], "VERB"),
    "a time that is none": (["list", "--since", "yesterday"], "2026-01-05T10:15:30Z"),
    "an image that is no UUID": (["list", "--image", "42"], "UUID"),
    "a code that is none": (["list", "--code", "OK"], "IMG.0116"),
    "a sequence that is none": (["show", "-", "--sequence", "0"], "such as 7"),
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
    """A command prints a file of 25 MB within 50 MB of memory, of which Python and the code take 38."""
    kept = json.dumps(by_function(created(ID, id="x" * 100_000))).encode() + b"\n"
    path = tmp_path / "large"
    with path.open("wb") as file:
        for _ in range(250):
            file.write(kept)
    command = f"ulimit -v {50 * 1024}; exec {sys.executable} main.py dead-letters {verb} {path}"
    ran = subprocess.run(
        ["bash", "-c", " ".join([command, *options])], cwd=ROOT, capture_output=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.count(QUOTA.encode()) >= 250


# -- show -------------------------------------------------------------------------------------------


def test_show(place: Place) -> None:
    """What happened comes first, then why it was not retried, what to do, and the event last."""
    kept = by_function(created(ID), rule="the rule", message="the words of the function")
    place.put(kept)
    ran = place.run("show")
    assert ran.code == 0
    assert fits(ran.out)
    found = parse_dead_letter(json.dumps(kept))
    assert found
    happened, why, to_do = advice(found)
    words, at = " ".join(ran.out.split()), 0
    for part in (
        f"Dead letter at {place.position} ",
        f"of {AT_NOON}",
        f"image {ID}",
        "What happened",
        happened,
        "reason TagQuotaExceeded code IMG.0116 rule the rule",
        "detail the words of the function",
        "Why it was not retried",
        why,
        "What to do",
        to_do,
        "The event",
        f'"image_id": "{ID}"',
    ):
        assert (at := words.find(part, at)) >= 0, part
    (shown,) = place.run("show", "--json").json["dead_letters"]
    assert (shown["what_happened"], shown["why_not_retried"], shown["what_to_do"]) == (happened, why, to_do)
    assert shown["event"]["data"] == created(ID)["data"]
    assert not [name for name in shown["event"] if name.startswith("deadletter")]


def test_show_what_a_bus_adds(place: Place) -> None:
    """The status, the address without its secrets and the number of deliveries are told."""
    secret = "http://me:canary@tagger/?access_token=canary"
    place.put(
        by_bus(created(ID), 503, encoded("Throttled: slowly"), knativeerrordest=secret, deliveryattempts=9)
    )
    words = " ".join(place.run("show").out.split())
    assert "reason Throttled status 503 attempts 9 destination http://tagger/" in words
    assert "canary" not in place.run("show", "--json").out


SHOWN: dict[str, tuple[Json, Any]] = {
    "bytes": (
        by_function(created(ID, data=None, data_base64="/w==", datacontenttype="image/png")),
        created(ID, data=None, data_base64="/w==", datacontenttype="image/png"),
    ),
    "a trace": (notification(TRACE, SAID), json.loads(TRACE)),
    "text": (unparsable(b"hello"), "hello"),
    "bytes that are no event": (
        unparsable(b"\xff", "image/png"),
        {"headers": {"Content-Type": "image/png"}, "data_base64": "/w=="},
    ),
}


@pytest.mark.parametrize(("kept", "event"), SHOWN.values(), ids=SHOWN)
def test_show_the_event(commands: Commands, tmp_path: Path, kept: Json, event: Any) -> None:
    """The event is shown as it is sent again: an event, JSON, text, or bytes."""
    (shown,) = commands("dead-letters", "show", "--json", written(tmp_path, kept)).json["dead_letters"]
    assert shown["event"] == event


@pytest.mark.parametrize(
    "kept",
    [unparsable(b"\0" * 3000), by_function(created(ID, data={"name": "\0" * 3000}))],
    ids=["a body", "a member"],
)
def test_show_binary_data(commands: Commands, tmp_path: Path, kept: Json) -> None:
    """People see its size, and JSON has it whole."""
    path = written(tmp_path, kept)
    shown = commands("dead-letters", "show", path).out
    assert "3000 bytes of binary data" in shown
    assert "u0000" not in shown
    assert commands("dead-letters", "show", "--json", path).out.count("\\u0000") == 3000


# -- what nobody may do to a terminal ---------------------------------------------------------------

HOSTILE = {
    "escapes": "\x1b[2J\x1b]0;owned\x07\r\x7f\x9b",
    "line ends": "a\n1 dead letter\u2028\x85b",
    "bidi": "\u202egnp.\u2066",
    "huge": "x" * 500_000,
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
