"""`dead-letters show`: what happened to an event, and what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from handlers.core.dead_letters.advice import advice
from handlers.core.dead_letters.forms import parse_dead_letter
from tests.commands.dead_letters.conftest import AT_NOON, SAID, TRACE, notification, unparsable
from tests.processes.commands import Commands, fits
from tests.processes.function import created
from tests.support.dead_letter_places import ID, Json, Place, by_bus, by_function, encoded, written


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
