"""The ledger of `tests.bench`, in small, and that it finds what is wrong."""

from typing import Any

import pytest

from tests.bench.ledger import ledger
from tests.bench.ledger.audit import adds_up, wrong_images, wrong_lines
from tests.bench.ledger.memory import Memory, creations_in


@pytest.mark.timeout(180)
def test_ledger() -> None:
    """Every image has its tags after coverage, replay and backfill, whatever became of its events."""
    rows = ledger(images=60, seed=7, pause=0.5, takes=0)
    assert [row for row in rows if row.must and not row.met] == []
    assert {"lost", "doubled", "delayed"} == {row.what.removeprefix("- ") for row in rows if row.here[0]} & {
        "lost",
        "doubled",
        "delayed",
    }


OURS, OTHERS = "a" * 32, "b" * 32
IMAGE, PARENT = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
AT = 1767608130
DONE = {"env": "prod", "owner": "ada", "base": "none", "created-on": "2026-01-05"}


def event(kind: str, response: str) -> dict[str, Any]:
    trace = {
        "trace_id": f"trace-{kind}",
        "trace_type": kind,
        "user": {"name": "Ada@example.com"},
        "response": response,
    }
    return {"id": f"event-{kind}", "data": trace}


EVENTS = [
    event("ApiCall", '{"job_id": "42"}'),
    event("SystemAction", f'{{"job_id": "42", "entities": {{"image_id": "{IMAGE}"}}}}'),
]
ALL = frozenset({"trace-ApiCall", "trace-SystemAction"})


def memory(tags: dict[str, str], recorded: frozenset[str] = ALL, **changed: Any) -> Memory:
    """An image that Ada created, by a job of which no event was delivered."""
    attributes = {"name": "prod-1", **changed.pop("attributes", {})}
    image = {"project_id": OURS, "public": False, "created_at": AT, "attributes": attributes, "tags": tags}
    parent = image | {"project_id": OTHERS, "attributes": {"name": "base"}, "tags": {"owner": "grace"}}
    images = {IMAGE: image | changed, PARENT: parent}
    return Memory(images, creations_in(EVENTS), recorded, frozenset(), OURS)


@pytest.mark.parametrize(
    ("found", "is_right"),
    [
        (memory(DONE), True),
        (memory(DONE | {"owner": "nobody"}), False),
        (memory(DONE | {"owner": "nobody"}, frozenset({"trace-ApiCall"})), True),
        (memory(DONE, frozenset()), False),
        (memory({}), False),
        (memory(DONE | {"more": "x"}), False),
        (memory(DONE | {"env": "dev"}), False),
        (memory(DONE, public=True), False),
        (memory({}, public=True), True),
        (
            memory(
                DONE | {"owner": "grace", "base": "base"},
                attributes={"__data_origin": "image,x,y", "__originalimagename": PARENT},
            ),
            True,
        ),
    ],
    ids=[
        "right",
        "default though its creator is known",
        "default, no trace names the image",
        "creator though nobody knows it",
        "none",
        "a tag too many",
        "another value",
        "public and tagged",
        "public",
        "copy",
    ],
)
def test_wrong_images(found: Memory, is_right: bool) -> None:
    """An image is right if it has the tags of the table, and nothing else than what it was given by hand."""
    assert (list(wrong_images(found, {"prod-1": {}, "base": {"owner": "grace"}})) == []) is is_right


def test_tags_by_hand() -> None:
    """A tag that was given by hand has to be there in the end."""
    given = {"prod-1": {"env": "test"}, "base": {"owner": "grace"}}
    assert list(wrong_images(memory(DONE | {"env": "test"}), given)) == []
    assert len(list(wrong_images(memory(DONE), given))) == 1


LINE: dict[str, Any] = {"image_id": IMAGE, "state": "lacking", "lacking": DONE, "differing": {}}


@pytest.mark.parametrize(
    ("lines", "is_right"),
    [
        ([LINE], True),
        ([], False),
        ([LINE, LINE], False),
        ([LINE, LINE | {"image_id": PARENT}], False),
        ([LINE | {"lacking": DONE | {"owner": "nobody"}}], False),
        ([LINE | {"state": "complete"}], False),
    ],
    ids=["right", "left out", "twice", "not ours", "another tag", "another state"],
)
def test_wrong_lines(lines: list[dict[str, Any]], is_right: bool) -> None:
    """Coverage has to name each own image once, with the tags that it lacks."""
    assert (list(wrong_lines(memory({}), lines)) == []) is is_right


def test_adds_up() -> None:
    """A summary that leaves out an image is found."""
    summary = {"images": 4, "complete": 1, "done": {"tagged": 1}, "dead_letters": [{}], "not_done": []}
    assert adds_up(summary | {"not_sent": 1})
    assert not adds_up(summary | {"not_sent": 0})
