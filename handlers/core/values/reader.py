"""From the nodes of a parsed value to expressions.

What has no line here is refused, with what to write instead: no attribute, method or global of Python is in
reach.
"""

from collections.abc import Callable
from functools import cache
from inspect import signature

from jinja2 import nodes

from handlers.core.values.expressions import Expression, Key, attribute, concat, dotted, members
from handlers.core.values.filters import EXAMPLES, FILTERS

_signature = cache(signature)


class InvalidTemplate(ValueError):
    """A text is no tag value: what is refused, and what to write instead."""


class Reader:
    """Makes an expression of each node, and notes what it reads."""

    def __init__(self) -> None:
        self.attributes: list[tuple[Key, ...]] = []
        self.lookups: set[str] = set()
        self.pseudonyms = False

    def expression(self, node: nodes.Node) -> Expression:
        """Raises InvalidTemplate."""
        match node:
            case nodes.Template(body=parts) | nodes.Output(nodes=parts) | nodes.Concat(nodes=parts):
                return concat([self.expression(part) for part in parts])
            case nodes.TemplateData(data=constant):
                return lambda _: constant
            case nodes.Const(value=str() | int() as constant) if not isinstance(constant, bool):
                return lambda _: constant
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                return self._path(node)
            case nodes.Filter(node=nodes.Expr() as before):
                return self._filtered(node, before)
        raise _refusal(node)

    def _path(self, node: nodes.Expr) -> Expression:
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
        if isinstance(node, nodes.Call):
            raise _refusal(node)
        raise InvalidTemplate(f"only attributes and results of filters have members; drop {dotted(keys)}")

    def _filtered(self, node: nodes.Filter, before: nodes.Expr) -> Expression:
        name = node.name
        if name not in FILTERS:
            raise InvalidTemplate(f"there is no filter {name}; use one of {', '.join(FILTERS)}")
        argument = self.expression if name == "default" else _text_of(name)
        if node.dyn_args or node.dyn_kwargs:
            raise InvalidTemplate(f"`{name}` takes no * and no **; {_right_arguments(name)}")
        positional = [self.expression(before), *map(argument, node.args)]
        named = {str(pair.key): argument(pair.value) for pair in node.kwargs}
        try:
            given = _signature(FILTERS[name]).bind(*positional, **named)
        except TypeError:
            message = f"`{name}` does not take these arguments; {_right_arguments(name)}"
            raise InvalidTemplate(message) from None
        try:
            made = FILTERS[name](*given.args, **given.kwargs)
        except ValueError as error:
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


def _text_of(name: str) -> Callable[[nodes.Expr], str]:
    """Reads an argument of a filter of this name."""

    def constant(node: nodes.Expr) -> str:
        if isinstance(node, nodes.Const) and isinstance(node.value, str):
            return node.value
        raise InvalidTemplate(f"an argument of `{name}` is not text in quotes; {_right_arguments(name)}")

    return constant


def _right_arguments(name: str) -> str:
    example = EXAMPLES.get(name)
    return f"write for example {example}" if example else f"write {name} without any"


_CALCULATES = "it selects and joins, and does not calculate"
_DECIDES = "put conditions into the rule's `when`"
_REFUSED: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.Add: ("+", "join texts with ~"),
    nodes.Sub: ("-", _CALCULATES),
    nodes.Mul: ("*", _CALCULATES),
    nodes.Div: ("/", _CALCULATES),
    nodes.FloorDiv: ("//", _CALCULATES),
    nodes.Mod: ("%", _CALCULATES),
    nodes.Pow: ("**", _CALCULATES),
    nodes.Neg: ("-", _CALCULATES),
    nodes.Pos: ("+", _CALCULATES),
    nodes.Or: ("`or`", "write what stands in for a missing attribute as default(...)"),
    nodes.And: ("`and`", _DECIDES),
    nodes.Not: ("`not`", _DECIDES),
    nodes.CondExpr: ("`if`", _DECIDES),
    nodes.Compare: ("comparison", _DECIDES),
    nodes.Test: ("`is`", _DECIDES),
    nodes.List: ("list", "name one of its elements alone"),
    nodes.Tuple: ("comma", "join texts with ~"),
    nodes.Dict: ("object in braces", "name one of its members alone"),
}


def _refusal(node: nodes.Node) -> InvalidTemplate:
    """In the signs that stand in the value, and not by the names of a parser."""
    if isinstance(node, nodes.Const):
        return InvalidTemplate(f"a value has no constant {str(node.value).lower()}; write it in quotes")
    if isinstance(node, nodes.Call):
        called = node.node
        name = getattr(called, "attr", None) or getattr(called, "name", None) or ""
        example = name if name in FILTERS else "lower"
        return InvalidTemplate(
            f"a value has no call {name}(); apply a filter, such as image.name | {example}"
        )
    what, instead = _REFUSED.get(type(node), ("such part", "write attributes, texts, filters and ~"))
    return InvalidTemplate(f"a value has no {what}; {instead}")
