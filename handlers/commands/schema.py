"""`schema`: a rules table as JSON Schema, by which editors complete and check it.

Made of what tables are read with. Every table that is taken is valid; of faulty ones it finds those that an
editor can see, and leaves the rest, such as what stands in a value's braces, to `check`.
"""

import argparse
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from handlers.commands.output.report import Report
from handlers.core.image_fields import IMAGE_FIELDS
from handlers.core.ims.limits import LIMITS, Limits
from handlers.core.json_access import Json
from handlers.core.outcomes import OutcomeOverride
from handlers.core.patterns.operators import OPERATORS, one_of
from handlers.core.rules.load import CODE
from handlers.core.rules.rule import Value


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Adds the command to those of the command line."""
    command = commands.add_parser(
        "schema",
        parents=[shared],
        help="print the JSON Schema of a rules table, for editors",
        description="Prints the JSON Schema of a rules table, by which editors complete and check one.",
        examples=["schema > rules.schema.json"],
        exit_codes={0: "done", 2: "wrong usage"},
    )
    command.set_defaults(run=schema)


def schema(_asked: argparse.Namespace, _environ: Mapping[str, str]) -> Report:
    return Report(rules_schema(), None, 0)


def rules_schema() -> Json:
    """The JSON Schema of a rules table, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules table: which tags a created image gets",
        **_TOP,
        "allOf": [_within(name, limits) for name, limits in LIMITS.items()],
        "$defs": {
            "rule": _RULE,
            "tag": _TAG,
            "lookup": _LOOKUP,
            "pattern": {
                **_fields("pattern", {"image": _either_values_or("image")}, _FIELD),
                "propertyNames": {"pattern": r"^([a-z0-9]+|data_base64|\$or)$"},
            },
            **_facts("image", IMAGE_FIELDS),
            "fields": _fields("fields", {}, _FIELD),
            "values": _VALUES,
            "operator": one_of({name: operator.operand for name, operator in OPERATORS.items()}),
        },
    }


def _table(members: Json, *required: str) -> Json:
    return {"type": "object", "properties": members, "required": [*required], "additionalProperties": False}


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _array(items: Json, at_least: int = 1) -> Json:
    return {"type": "array", "minItems": at_least, "items": items}


def _mapping(values: Json, **more: Any) -> Json:
    return {"type": "object", "additionalProperties": values, **more}


_TEXT: Json = {"type": "string"}

# -- the table --------------------------------------------------------------------------------------

_MODE: Json = {"enum": ["enforce", "audit"], "description": "audit: log what would be written, write nothing"}

_TOP = _table(
    {
        "limits": {"enum": [*LIMITS], "description": "what IMS accepts as a tag"},
        "defaults": _table({"mode": _MODE}),
        "rule": _array(_ref("rule")),
        "lookup": _mapping(_ref("lookup")),
        "outcomes": _mapping(
            {"enum": [*get_args(OutcomeOverride)]},
            propertyNames={"pattern": f"^{CODE}$"},
            description="what follows from a code of the tag API, instead of what would",
        ),
    },
    "rule",
)

_RULE = _table(
    {
        "name": _TEXT,
        "mode": _MODE,
        "when": {**_ref("pattern"), "description": "which events the rule is for; without it, all"},
        "tags": _mapping(_ref("tag"), minProperties=1),
    },
    "tags",
)

_CHOICES = {
    name: {"enum": [*get_args(hint)]} for name, hint in get_type_hints(Value).items() if get_args(hint)
}
_TAG: Json = {"anyOf": [_TEXT, _table({"value": _TEXT, **_CHOICES}, "value")]}

_LOOKUP: Json = {
    **_table({"entries": _mapping(_TEXT), **dict.fromkeys(("file", "key", "value", "default"), _TEXT)}),
    "oneOf": [{"required": ["entries"]}, {"required": ["file"]}],
}


def _within(name: str, limits: Limits) -> Json:
    """What IMS would refuse under these limits, in keys and in values without expressions."""
    value = {
        "anyOf": [{"pattern": r"\{[{%#]"}, {"pattern": f"^[{limits.value}]{{0,{limits.value_length}}}$"}]
    }
    tags = {
        "propertyNames": {"pattern": f"^[{limits.key}]{{1,{limits.key_length}}}$"},
        "additionalProperties": {**value, "properties": {"value": value}},
    }
    default = name == next(iter(LIMITS))
    return {
        "if": {"properties": {"limits": {"const": name}}, "required": [] if default else ["limits"]},
        "then": {"properties": {"rule": {"items": {"properties": {"tags": tags}}}}},
    }


# -- patterns ---------------------------------------------------------------------------------------

_VALUES = _array({"anyOf": [{"type": ["string", "number", "boolean"]}, _ref("operator")]})


def _either_values_or(fields: str) -> Json:
    return {"anyOf": [_ref("values"), _ref(fields)]}


_FIELD = _either_values_or("fields")


def _fields(place: str, known: Json, other: Json | None) -> Json:
    """The fields at a place in an event, and `$or`, of which each table has fields of the same place."""
    choice = {"anyOf": [_array(_ref(place), at_least=2), _ref("values")]}
    return {
        "type": "object",
        "minProperties": 1,
        "properties": {"$or": choice, **known},
        "additionalProperties": other or False,
    }


def _facts(place: str, facts: Json) -> Json:
    """Places whose names are ours, so that no other name can be right."""
    known = {name: _either_values_or(name) if below else _FIELD for name, below in facts.items()}
    places = {place: _fields(place, known, None)}
    for name, below in facts.items():
        if below:
            places |= _facts(name, below)
    return places
