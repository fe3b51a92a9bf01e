"""Which lines are dead letters in whatever form, and which of them are meant."""

import json
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
from handlers.core.dead_letters.compose import UNPARSABLE_TYPE
from handlers.core.outcomes import Outcome
from handlers.core.received import Received
from handlers.edges.sinks import file_sink
from tests.commands.dead_letters.conftest import (
    AT_NOON,
    NOW,
    QUOTA,
    SAID,
    TRACE,
    A,
    C,
    notification,
    unparsable,
)
from tests.processes.commands import Commands, fits
from tests.processes.function import LONG_AGO, created
from tests.support.dead_letter_places import (
    ID,
    OTHER,
    Json,
    Place,
    by_bus,
    by_function,
    encoded,
    ids,
    written,
)

TRACED = "b5c2a0de-9c1f-4a2b-8d43-6f4e2d1c0b9a"
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


B = by_bus(created(OTHER, id="b"), 503, encoded("Throttled: slowly"), deadlettertime="2026-02-01T00:00:00Z")
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
