"""`explain`: what an event would lead to, and why."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import ID
from tests.processes.commands import Commands, fits
from tests.support import sample_files


def explained(commands: Commands, tmp_path: Path, table: str, event: str, **environ: str) -> tuple[Any, str]:
    """The facts of one event under a table, and the same for people, unwrapped."""
    path = tmp_path / "mine.toml"
    path.write_text(table)
    facts = commands("explain", event, "--rules", path, "--json", **environ)
    shown = commands("explain", event, "--rules", path, **environ)
    assert facts.code == shown.code
    assert fits(shown.out)
    return facts.json["files"][0]["events"][0], " ".join(shown.out.split())


def outcomes(text: str) -> list[str]:
    """The outcome of each event, as people are shown it."""
    return re.findall(r"^  outcome {2,}([a-z-]+)", text, re.MULTILINE)


@pytest.mark.parametrize("name", sample_files.IMAGES)
def test_golden_events_fit(commands: Commands, name: str) -> None:
    """What is shown of the golden events fits into 80 columns."""
    ran = commands("explain", sample_files.FOLDER / name)
    assert ran.out
    assert fits(ran.out)


@pytest.mark.parametrize(("name", "expected"), sample_files.EXPECTED.items(), ids=sample_files.EXPECTED)
def test_golden_events(commands: Commands, name: str, expected: dict[str, Any]) -> None:
    """Each golden event gets the outcome and the calls that are expected of the function, in text too."""
    ran = commands("explain", sample_files.FOLDER / name, "--json")
    (event,) = ran.json["files"][0]["events"]
    outcome = event["outcome"]
    shown = commands("explain", sample_files.FOLDER / name).out
    assert outcome["kind"] == expected["outcome"]
    assert outcome["reason"] == expected.get("reason", outcome["reason"])
    assert outcomes(shown) == [expected["outcome"]]
    assert ran.code == (1 if expected["outcome"] == "dead-letter" else 0)
    calls = [call for image in event["images"] for call in image["calls"]]
    writing = [call for call in calls if call["method"] == "PUT"]
    image_ids = [image["id"] for image in sample_files.IMAGES[name]]
    assert [call["body"] for call in writing] == [
        {"image_id": image_id, "image_tag": {"key": key, "value": value}}
        for image_id in image_ids
        for key, value in expected.get("tags", {}).items()
    ]
    reading = {("GET", f"/v2/images/{image_id}") for image_id in image_ids}
    assert {(call["method"], call["path"]) for call in calls} <= {("PUT", "/v1/cloudimages/tags"), *reading}
    assert len(re.findall(r"PUT +/v1/cloudimages/tags\n", shown)) == len(writing)


def test_several_events(commands: Commands) -> None:
    """Each element of an array is an event of its own, and each image is explained."""
    ran = commands(
        "explain", sample_files.FOLDER / "plain-batch.json", sample_files.FOLDER / "plain-binary.http"
    )
    assert ran.code == 0
    assert "plain-batch.json, event 1 of 2\n" in ran.out
    assert "plain-batch.json, event 2 of 2\n" in ran.out
    assert outcomes(ran.out) == ["tagged"] * 3
    assert ran.out.endswith("\n3 events: 3 tagged\n")


def test_several_images(commands: Commands, tmp_path: Path) -> None:
    """An event about several images is explained for each of them."""
    other = "67437ebd-2563-46e0-887e-ad1923977fa1"
    jobs = [{"entities": {"image_id": image_id}} for image_id in (ID, other)]
    trace = {
        "trace_name": "createImage",
        "service_type": "IMS",
        "resource_type": "ims",
        "user": {"name": "me"},
    }
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"cts": trace | {"response": {"entities": {"sub_jobs_result": jobs}}}}))
    ran = commands("explain", path, "--json")
    assert ran.code == 0
    images = ran.json["files"][0]["events"][0]["images"]
    assert [image["image"]["id"] for image in images] == [ID, other]
    assert [[call["body"]["image_id"] for call in image["calls"]] for image in images] == [[ID], [other]]
    assert commands("explain", path).out.count("outcome of this image  tagged\n") == 2


def test_rules(commands: Commands, tmp_path: Path, event: str) -> None:
    """Each rule is shown, and for one that does not match, the field and the value that decided."""
    table = """
    [[rule]]
    name = "none"
    when.source = ["/x"]
    when.data.sizes = [9, { prefix = "a" }]
    tags.a = "1"
    [[rule]]
    name = "absent"
    when.data.owner = ["me"]
    tags.a = "2"
    [[rule]]
    name = "or"
    when."$or" = [{ source = ["/y"] }, { type = ["z"] }]
    tags.a = "3"
    [[rule]]
    name = "every"
    tags.a = "4"
    """
    facts, shown = explained(commands, tmp_path, table, event)
    rules = {rule["rule"]: rule for rule in facts["images"][0]["rules"]}
    assert [rule["matches"] for rule in rules.values()] == [False, False, False, True]
    assert rules["none"]["why_not"] == [
        {"field": "data.sizes", "found": [1, 2, 3, 4, 5], "wanted": '[9, {"prefix": "a"}]'}
    ]
    assert [each["field"] for each in rules["or"]["why_not"]] == ["source", "type"]
    assert 'data.sizes is 1, 2, 3 and 2 more, wanted [9, {"prefix": "a"}]' in shown
    assert 'data.owner is absent, wanted ["me"]' in shown
    assert "every yes it is for every event" in shown
    assert 'a "4" every' in shown


def test_tags(commands: Commands, tmp_path: Path, event: str) -> None:
    """Each tag shows whether it was sanitized, left out, lost to an earlier rule or only logged, and why."""
    table = """
    [[rule]]
    name = "trial"
    mode = "audit"
    tags.a = "trial"
    [[rule]]
    name = "first"
    tags.a = "first"
    tags.mended = "{{ image.name }}"
    tags.missing = "{{ image.os_type }}"
    tags.kept = { value = "k", on_existing = "keep" }
    [[rule]]
    name = "late"
    tags.a = "late"
    tags.missing = "fallback"
    [[rule]]
    name = "late trial"
    mode = "audit"
    tags.a = "late"
    """
    facts, shown = explained(commands, tmp_path, table, event)
    tags = {(rule["rule"], tag["key"]): tag for rule in facts["images"][0]["rules"] for tag in rule["tags"]}
    values = {place: tag["value"] for place, tag in tags.items() if tag["value"] is not None}
    assert values == {
        ("trial", "a"): "trial",
        ("first", "a"): "first",
        ("first", "mended"): "web_base",
        ("first", "kept"): "k",
        ("late", "missing"): "fallback",
    }
    assert facts["images"][0]["tags"] == {
        "a": "first",
        "mended": "web_base",
        "kept": "k",
        "missing": "fallback",
    }
    assert [call["method"] for call in facts["images"][0]["calls"]] == ["GET", *["PUT"] * 4]
    assert 'a "trial" trial only logged' in shown
    assert 'mended "web_base" first sanitized from "web base": the character \' \' is not allowed' in shown
    assert "missing - first left out: the event has no image.os_type" in shown
    assert 'kept "k" first a tag of this key that the image has is kept' in shown
    assert 'a - late left out: the rule "first" sets it, and earlier rows win' in shown
    assert 'a - late trial left out: the rule "first" sets it, and earlier rows win' in shown


def test_no_room(commands: Commands, tmp_path: Path, event: str) -> None:
    """A tag for which an image has no room is left out with this reason."""
    table = "[[rule]]\n" + "\n".join(f"tags.k{number} = ''" for number in range(11))
    facts, shown = explained(commands, tmp_path, table, event)
    assert len(facts["images"][0]["tags"]) == 10
    assert "k10 - rule 1 left out: an image may have 10 tags, and earlier rows have set them" in shown


def test_a_tag_that_fails(commands: Commands, tmp_path: Path, event: str) -> None:
    """A tag that must not be missing makes a dead letter, and no call."""
    table = """
    [[rule]]
    name = "fine"
    tags.a = "1"
    [[rule]]
    name = "must"
    tags.os = { value = "{{ image.os_type }}", on_missing = "fail" }
    """
    facts, shown = explained(commands, tmp_path, table, event)
    assert facts["images"][0]["calls"] == []
    assert facts["outcome"]["reason"] == "MissingAttribute"
    assert "a - fine left out: another tag fails, and then none is written" in shown
    assert 'os - must left out: the tag "os" of the rule "must": the event has no image.os_type' in shown


def test_tag_form(commands: Commands, tmp_path: Path, event: str) -> None:
    """Calls are shown in the form of TAG_FORM; a key that it cannot carry makes a dead letter."""
    table = 'limits = "huawei-cn-new"\n[[rule]]\ntags."a.b" = "1"\ntags.c = "2"\n'
    facts, _ = explained(commands, tmp_path, table, event, TAG_FORM="tag")
    assert [call["body"] for call in facts["images"][0]["calls"]] == [{"image_id": ID, "tag": "c.2"}]
    assert facts["outcome"]["reason"] == "InvalidTag"


def test_created_types(commands: Commands, event: str) -> None:
    """The setting IMAGE_CREATED_TYPES counts, and an event that it leaves out is ignored with the reason."""
    ran = commands("explain", event, IMAGE_CREATED_TYPES="other")
    assert ran.code == 0
    assert "outcome  ignored: the type is none of IMAGE_CREATED_TYPES" in ran.out


def test_standard_input(commands: Commands, event: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name, and for "-", the event is read from standard input."""
    for names in ([], ["-"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path(event).read_bytes())))
        ran = commands("explain", *names)
        assert (ran.code, ran.out.splitlines()[0]) == (0, "-")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    sentence = "fault  standard input holds no event: it is not JSON in UTF-8\n"
    assert commands("explain") == (1, sentence, "")
    monkeypatch.setattr("sys.stdin", None)
    assert commands("explain").code == 2


NO_EVENTS: dict[str, tuple[str, bytes]] = {
    "empty": ("x.json", b""),
    "binary": ("x.json", bytes(range(256))),
    "an empty array": ("x.json", b"[]"),
    "a number": ("x.json", b"1"),
    "no known event": ("x.json", b"{}"),
    "nested without end": ("x.json", b"[" * 100_000),
    "headers that are none": ("x.http", b"\xff\x00\n\n{}"),
    "headers of no event": ("x.http", b"content-type: application/json\n\n{}"),
}


@pytest.mark.parametrize(("name", "content"), NO_EVENTS.values(), ids=NO_EVENTS)
def test_no_event(commands: Commands, tmp_path: Path, name: str, content: bytes) -> None:
    """A file without an event is a fault, in one sentence; the files after it are explained."""
    path = tmp_path / name
    path.write_bytes(content)
    ran = commands("explain", path, sample_files.FOLDER / "plain-binary.http")
    assert (ran.code, ran.err) == (1, "")
    assert ran.shows(f"{name} holds no event: ")
    assert outcomes(ran.out) == ["tagged"]
    assert "holds no event" in commands("explain", path, "--json").json["files"][0]["fault"]


def test_a_dead_letter(commands: Commands, tmp_path: Path) -> None:
    """A dead letter as it is in a sink is refused, as the function refuses one that is delivered again."""
    path = tmp_path / "x.json"
    path.write_text('{"specversion":"1.0","id":"1","source":"/","type":"t","deadletterreason":"r"}')
    ran = commands("explain", path)
    assert ran.code == 1
    assert ran.shows("outcome dead-letter: InvalidEvent: the event is a dead letter; strip its")


def test_an_element_that_is_no_event(commands: Commands, tmp_path: Path) -> None:
    """As in a delivery, one of several that is no event is a dead letter and the others are handled."""
    path = tmp_path / "batch.json"
    good = {"specversion": "1.0", "id": "1", "source": "/x", "type": "image.created", "subject": ID}
    path.write_text(json.dumps([{}, good]))
    ran = commands("explain", path, "--json")
    kinds = [event["outcome"]["kind"] for event in ran.json["files"][0]["events"]]
    assert (ran.code, kinds) == (1, ["dead-letter", "nothing-to-tag"])


def test_many_events(commands: Commands, tmp_path: Path, event: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many events, dead letters are shown in preference to others; all are counted and in JSON."""
    monkeypatch.setattr("handlers.commands.output.progress.SILENCE", 0)
    good = json.loads(Path(event).read_text())
    path = tmp_path / "many.json"
    path.write_text(json.dumps([*[good] * 250, *[good | {"subject": "none"}] * 3, good]))
    ran = commands("explain", path)
    assert (ran.code, outcomes(ran.out)) == (1, ["nothing-to-tag"] * 197 + ["dead-letter"] * 3)
    assert ran.out.endswith(
        "\n54 events not shown; --json explains all"
        "\n254 events: 251 nothing-to-tag, 3 dead-letter (InvalidEvent)\n"
    )
    assert ran.err.splitlines()[-1] == "254 of 254 events explained"
    assert len(commands("explain", path, "--json").json["files"][0]["events"]) == 254


def test_unreadable(commands: Commands, tmp_path: Path, event: str) -> None:
    """A file that cannot be read is wrong usage, and the others are explained nevertheless."""
    ran = commands("explain", tmp_path / "nowhere.json", tmp_path, event)
    assert ran.code == 2
    assert ran.shows("nowhere.json cannot be read: No such file or directory")
    assert ran.shows("cannot be read: Is a directory")
    assert outcomes(ran.out) == ["nothing-to-tag"]


def test_a_faulty_table(commands: Commands, tmp_path: Path, event: str) -> None:
    """With a faulty table nothing is explained but its faults."""
    path = tmp_path / "mine.toml"
    path.write_text("rulez = 1\n")
    ran = commands("explain", event, "--rules", path)
    assert ran.code == 1
    assert (ran.out.count("fault  mine.toml:1\n"), ran.out.count("fault  mine.toml\n")) == (1, 1)
    assert len(commands("explain", event, "--rules", path, "--json").json["faults"]) == 2


HOSTILE = {
    "escapes": "\x1b[31mred\x07\x08\r",
    "line ends": "a\n  outcome  tagged\u2028\x85b",
    "bidi": "\u202egnp.\u2066\u200f",
    "huge": "x" * 500_000,
    "wide words": "word " * 100_000,
    "markup": "[red]a[/red] [/] :boom: [link=https://example.com]b[/link]",
    "binary": "\0" * 5000,
    "astral": "\U000e0041\U0001f600",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values(commands: Commands, tmp_path: Path, text: str) -> None:
    """No value can end a line, steer a terminal or flood it; JSON has it whole."""
    path = tmp_path / "event.json"
    content = {"specversion": "1.0", "id": text, "source": "/x", "type": "image.created", "subject": ID}
    path.write_text(json.dumps(content | {"data": {"name": text}}))
    ran = commands("explain", path)
    assert (ran.code, ran.err) == (0, "")
    assert fits(ran.out)
    assert len(ran.out) < 4000
    assert outcomes(ran.out) == ["nothing-to-tag"]
    image = commands("explain", path, "--json").json["files"][0]["events"][0]["images"][0]["image"]
    assert image["name"] == text
