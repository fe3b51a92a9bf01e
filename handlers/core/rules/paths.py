"""Checks the paths of patterns and values: which paths no event has, and which path is probably meant."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from handlers.core.image_fields import IMAGE_FIELDS
from handlers.core.rules.diagnostics import did_you_mean
from handlers.core.values.expressions import Key

KNOWN = frozenset(
    {
        *("image", "ims", "parent"),  # ours, the same for every event
        *("data", "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"),
        *("data_base64", "schemaurl", "datacontentencoding"),  # of binary data, and of spec version 0.3
        "tagfillin",
    }
)
"""The first names of paths that need no extension attribute."""

OBJECTS = frozenset(
    {("image",), ("image", "creator"), ("ims",), ("ims", "tags"), ("parent",), ("parent", "tags")}
)
"""Paths to values that are always objects."""

_ALIKE = 0.75
"""The least similarity of a misspelt name, as difflib measures it. It must tell `detail` from `data`."""

Write = Callable[[Any], str]
"""Writes a path in the notation of patterns or of values."""


def fault_of_path(path: Sequence[Key], write: Write) -> str:
    """Why no event can have a value at a path, in words; "" if one can."""
    first = str(path[0])  # CloudEvents, "Naming Conventions": lower-case letters and digits
    if first == "image":
        return _fault_of_image(path)
    if first in KNOWN or re.fullmatch("[a-z0-9]+", first):
        return ""
    if first == "$or":
        return '"$or" takes a list of at least two tables, such as [{ type = ["a"] }, { source = ["b"] }]'
    probably = write(meant(path))
    if "." in first:
        return (
            f'"{first}" is one name, and no attribute has a dot in its name; write {probably}, without quotes'
        )
    return (
        f'no attribute of an event is called "{first}", for their names are lower-case letters and digits; '
        f"did you mean {probably}?"
    )


def _fault_of_image(path: Sequence[Key]) -> str:
    """Checks a path under `image.`, where all names are known, so an unknown one is a typing error."""
    known: Any = IMAGE_FIELDS
    for depth, name in enumerate(path[1:], 2):
        if name not in (known or {}):
            wrong = ".".join(map(str, path[:depth]))
            return f'there is no "{wrong}"{did_you_mean(name, known or {})}'
        known = known[name]
    return ""


def meant(path: Sequence[Key]) -> tuple[Key, ...]:
    """The path that is probably meant instead of one whose first name no event is known to have."""
    name, rest = str(path[0]), path[1:]
    if name.lower() in KNOWN:
        return name.lower(), *rest
    first, *others = name.split(".") if "." in name else re.split("[_-]", name, maxsplit=1)
    for names in ((name, *rest), (first, *others, *rest)):
        for above in (("image",), ("image", "creator")):
            if not _fault_of_image((*above, *names)):
                return *above, *names
    if first in KNOWN:
        return first, *others, *rest
    from difflib import get_close_matches  # noqa: PLC0415 - a table without faults starts without it

    if near := get_close_matches(name.lower(), KNOWN, 1, _ALIKE):
        return near[0], *rest
    return "data", *((first, *others) if "." in name else (name,)), *rest
