"""Reads JSON that may hold anything. A member of the wrong kind counts as absent."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_PROJECT = re.compile(r"[0-9a-f]{32}")


def value_of(text: str | bytes) -> Any:
    """The value of a JSON text; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def object_or_empty(value: Any) -> Json:
    """The object that a value is, or that its text or its bytes hold as JSON; otherwise an empty object."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = value_of(value)
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def string(facts: Json, *names: str) -> str | None:
    """The first of these members that is a non-empty text."""
    for name in names:
        if isinstance(value := facts.get(name), str) and value:
            return value
    return None


def lower_string(facts: Json, name: str) -> str:
    return (string(facts, name) or "").lower()


def uuids_at(facts: Json, *paths: str) -> Iterator[str]:
    """The image ids, which are UUIDs, at these paths, such as "data.image_id"."""
    for path in paths:
        value: Any = facts
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and UUID.fullmatch(value):
            yield value


def project_of(facts: Json, *names: str) -> str | None:
    """The first of these members that is a project id. An `owner` can be anything else."""
    for name in names:
        if (value := string(facts, name)) and _PROJECT.fullmatch(value):
            return value
    return None


def rfc3339(time: datetime | None) -> str | None:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def without_empty(facts: Json) -> Json:
    """The members that have a value."""
    return {name: value for name, value in facts.items() if value}
