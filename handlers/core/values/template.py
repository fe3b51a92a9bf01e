"""Tag values: literal text with `{{ expressions }}`, as `handlers/rules-values.md` specifies them.

Jinja2 only parses. What runs is built here out of `core.expressions` and `core.filters`, so a value can do
what has a line here and nothing else: no attribute, method or global of Python is in reach.
"""

from collections.abc import Mapping
from functools import cache
from inspect import signature
from types import MappingProxyType
from typing import Any, NamedTuple

from jinja2 import Environment, TemplateSyntaxError, nodes

from handlers.core.values.expressions import (
    Expression,
    Key,
    Lookup,
    Scope,
    attribute,
    concat,
    dotted,
    members,
)
from handlers.core.values.filters import FILTERS

LONGEST_TEMPLATE = 1000
"""Characters of a value with expressions. They bound its number of steps and their depth."""

_JINJA = Environment(keep_trailing_newline=True)  # noqa: S701 - parses only, and tags are no HTML


_signature = cache(signature)


class InvalidTemplate(ValueError):
    """A text is no tag value: what is refused, and what to write instead."""


class Template(NamedTuple):
    """A tag value, checked and ready.

    constant: the text itself where it holds no expression. text: what makes it of an event.
    attributes: paths that the expressions read, such as ("image", "creator", "name").
    lookups: names of the lookup tables that they use. pseudonyms: whether they make any, which needs a key.
    """

    constant: str | None
    attributes: tuple[tuple[Key, ...], ...]
    lookups: frozenset[str]
    pseudonyms: bool
    text: Expression

    def render(
        self,
        event: Mapping[str, Any],
        lookups: Mapping[str, Lookup] = MappingProxyType({}),
        pseudonym_key: bytes = b"",
    ) -> str:
        """The value for an event, a CloudEvent as JSON. `lookups` holds all that `self.lookups` names.

        Raises MissingAttribute where the event lacks an attribute and no default stands in, and
        InvalidTag where it holds something that has no text or that a filter cannot take.
        """
        value: str = self.text(Scope(event, lookups, pseudonym_key))
        return value


def compile_template(text: str) -> Template:
    """The tag value that a text of the rules table means. Raises InvalidTemplate, and nothing else."""
    if not any(opening in text for opening in ("{{", "{%", "{#")):
        return Template(text, (), frozenset(), False, lambda _: text)
    if len(text) > LONGEST_TEMPLATE:
        raise InvalidTemplate(
            f"a value with expressions has at most {LONGEST_TEMPLATE} characters; shorten it"
        )
    reader = _Reader()
    try:
        _refuse_statements(text)
        whole = reader.expression(_JINJA.parse(text))
    except TemplateSyntaxError as error:
        raise InvalidTemplate(
            f"mend line {error.lineno} of the value, Jinja2 says: {error.message}"
        ) from None
    except RecursionError:
        raise InvalidTemplate("the value is nested too deeply; use fewer brackets") from None
    return Template(None, tuple(reader.attributes), frozenset(reader.lookups), reader.pseudonyms, whole)


def _refuse_statements(text: str) -> None:
    """Refuses `{% %}` and `{# #}`, of which raw blocks and comments leave no trace in the parsed value."""
    if "{%" not in text and "{#" not in text:
        return
    for line, kind, opening in _JINJA.lex(text):
        if kind in ("block_begin", "raw_begin", "comment_begin"):
            raise InvalidTemplate(
                f"line {line} of the value has {opening.strip()}, which opens a statement or a comment; "
                'write {{ expressions }} only, or {{ "{%" }} and {{ "{#" }} for these very characters'
            )


class _Reader:
    """Makes an expression of each node, and notes what it reads."""

    def __init__(self) -> None:
        self.attributes: list[tuple[Key, ...]] = []
        self.lookups: set[str] = set()
        self.pseudonyms = False

    def expression(self, node: nodes.Node) -> Expression:
        match node:
            case nodes.Template(body=parts) | nodes.Output(nodes=parts) | nodes.Concat(nodes=parts):
                return concat([self.expression(part) for part in parts])
            case nodes.TemplateData(data=constant):
                return lambda _: constant
            case nodes.Const(value=str() | int() as constant) if not isinstance(constant, bool):
                return lambda _: constant
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                return self.path(node)
            case nodes.Filter(node=nodes.Expr() as before):
                return self.filtered(node, before)
        what = f"constant {node.value}" if isinstance(node, nodes.Const) else type(node).__name__
        raise InvalidTemplate(
            f"a value has no {what}; write attributes, text in quotes, whole numbers, filters and ~, "
            "and put conditions into the rule's `when`"
        )

    def path(self, node: nodes.Expr) -> Expression:
        keys: list[Key] = []
        while isinstance(node, nodes.Getattr | nodes.Getitem):
            keys.append(node.attr if isinstance(node, nodes.Getattr) else _key(node.arg))
            node = node.node
        keys.reverse()
        if isinstance(node, nodes.Name):
            self.attributes.append((node.name, *keys))
            return attribute(node.name, keys)
        if isinstance(node, nodes.Filter):
            return members(self.expression(node), keys)
        raise InvalidTemplate(f"only attributes and results of filters have members; drop {dotted(keys)}")

    def filtered(self, node: nodes.Filter, before: nodes.Expr) -> Expression:
        name = node.name
        if name not in FILTERS:
            raise InvalidTemplate(f"there is no filter {name}; use one of {', '.join(FILTERS)}")
        if node.dyn_args or node.dyn_kwargs:
            raise InvalidTemplate(f"`{name}` takes no * and no **; write its arguments out")
        argument = self.expression if name == "default" else _constant
        positional = [self.expression(before), *map(argument, node.args)]
        named = {str(pair.key): argument(pair.value) for pair in node.kwargs}
        try:
            given = _signature(FILTERS[name]).bind(*positional, **named)
            made = FILTERS[name](*given.args, **given.kwargs)
        except (TypeError, ValueError) as error:
            raise InvalidTemplate(f"mend the arguments of `{name}`: {error}") from None
        self.pseudonyms |= name == "pseudonym"
        if name == "lookup":
            self.lookups.add(given.arguments["table"])
        return made


def _key(node: nodes.Expr) -> Key:
    if isinstance(node, nodes.Const) and type(node.value) in (str, int):
        key: Key = node.value
        return key
    raise InvalidTemplate(
        'square brackets take a name in quotes or a whole number: data["a.b"], data.list[0]'
    )


def _constant(node: nodes.Expr) -> str:
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        return node.value
    raise InvalidTemplate('arguments of filters other than `default` are text in quotes: replace(" ", "-")')
