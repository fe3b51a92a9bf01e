"""What an operator is told of a dead letter."""

import json
from typing import Any

import pytest

from handlers.core.dead_letters.advice import (
    BY_ERROR,
    BY_STATUS,
    NO_REPLY,
    REDIRECTED,
    REFUSED,
    UNEXPLAINED,
    UNREADABLE,
    USED_UP,
    Advice,
    advice,
)
from handlers.core.dead_letters.compose import UNPARSABLE_TYPE
from handlers.core.dead_letters.forms import parse_dead_letter
from handlers.core.outcomes import TABLE

EVENT = {"specversion": "1.0", "id": "1", "source": "/factory", "type": "com.example.image.created"}
KEPT = {"knativeerrordest": "http://tagger/"}
RETRIED = [error.__name__ for error, row in TABLE.items() if row.action != "dead-letter"]
WITHIN_WINDOW = [error.__name__ for error, row in TABLE.items() if row.action == "retry-within-window"]


def told(added: dict[str, Any], event: dict[str, Any] = EVENT) -> Advice:
    found = parse_dead_letter(json.dumps(event | added))
    assert found
    return advice(found)


def test_every_error_has_its_advice() -> None:
    """Every row of the table of outcomes can end as a dead letter, at the latest when the bus gives up."""
    assert BY_ERROR.keys() == TABLE.keys()


@pytest.mark.parametrize("error", TABLE, ids=lambda error: error.__name__)
def test_an_error_of_the_function(error: type[Exception]) -> None:
    """The error tells what happened and what to do, its row in the table why it was not retried."""
    happened, why, to_do = told({"deadletterreason": error.__name__})
    assert (happened, to_do) == BY_ERROR[error]
    assert TABLE[error].why in why


def test_an_error_that_nobody_foresaw() -> None:
    """An error of another name is a fault of the function."""
    assert told({"deadletterreason": "KeyError"}).what_happened == BY_ERROR[Exception][0]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("error", RETRIED)
def test_given_up_by_the_bus(error: str, status: int) -> None:
    """Where the function asked for another delivery at the last one, the bus had none left."""
    why = told(KEPT | {"knativeerrorcode": status, "knativeerrordata": f"{error}: words"}).why_not_retried
    assert "until the bus had made as many deliveries as it makes" in why
    assert "NOT_READY_WINDOW" not in why


@pytest.mark.parametrize("added", [KEPT | {"knativeerrorcode": 400}, {}], ids=["answered 400", "stored"])
@pytest.mark.parametrize("error", WITHIN_WINDOW)
def test_given_up_by_age(error: str, added: dict[str, Any]) -> None:
    """Where the function itself gave up an error that may pass, the event was too old."""
    why = told(added | {"deadletterreason": error}).why_not_retried
    assert "older than NOT_READY_WINDOW" in why
    assert "as many deliveries" not in why


def test_given_up_by_the_rules_table() -> None:
    """Where the function itself gave up an error that it retries, the rules table says so."""
    assert "under [outcomes]" in told({"deadletterreason": "Throttled"}).why_not_retried


UNREASONED: dict[str, tuple[dict[str, Any], Advice]] = {
    "nobody says anything": ({"deadletterrule": "r"}, UNEXPLAINED),
    "no reply": (KEPT, NO_REPLY),
    "a gateway's reply": (KEPT | {"knativeerrorcode": 404, "knativeerrordata": "no such page"}, USED_UP),
    "a crash": (KEPT | {"knativeerrorcode": 500}, USED_UP),
    "a redirect": (KEPT | {"knativeerrorcode": 302}, REDIRECTED),
    "another status": (KEPT | {"knativeerrorcode": 418, "knativeerrordata": "teapot"}, REFUSED),
    **{f"status {status}": (KEPT | {"knativeerrorcode": status}, BY_STATUS[status]) for status in BY_STATUS},
}


@pytest.mark.parametrize(("added", "expected"), UNREASONED.values(), ids=UNREASONED)
def test_without_an_error(added: dict[str, Any], expected: Advice) -> None:
    """Where no error is named, the last status tells what to do."""
    assert told(added) == expected


UNREAD: dict[str, dict[str, Any]] = {
    "kept by the function": EVENT | {"type": UNPARSABLE_TYPE, "deadletterreason": "InvalidEvent"},
    "kept by a bus": EVENT | {"type": UNPARSABLE_TYPE, "knativeerrorcode": 400},
    "of FunctionGraph": {"request_payload": "hello", "response_context": {"status_code": 400}},
    "nothing": {"request_payload": "", "response_context": {"status_code": 200}},
}


@pytest.mark.parametrize("event", UNREAD.values(), ids=UNREAD)
def test_what_is_no_event(event: dict[str, Any]) -> None:
    """What nobody can read as an event cannot be mended."""
    assert told({}, event) == UNREADABLE
