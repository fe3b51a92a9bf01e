"""Tag values: literal text with `{{ expressions }}`, as `handlers/rules-values.md` specifies them.

Jinja2 only parses. What runs is built by `reader` out of `expressions` and `filters`.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from jinja2 import Environment, TemplateSyntaxError

from handlers.core.values.expressions import Expression, Key, Lookup, Scope, concat
from handlers.core.values.reader import InvalidTemplate, Reader

__all__ = ["InvalidTemplate", "Template", "compile_template"]

LONGEST_TEMPLATE = 1000
"""Characters of a value with expressions. They bound its number of steps and their depth."""

_JINJA = Environment(keep_trailing_newline=True)  # noqa: S701 - parses only, and tags are no HTML


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
    has_expressions = any(opening in text for opening in ("{{", "{%", "{#"))
    if has_expressions and len(text) > LONGEST_TEMPLATE:
        raise InvalidTemplate(
            f"a value with expressions has at most {LONGEST_TEMPLATE} characters; shorten it"
        )
    if "${" in text:
        _refuse_placeholders(text)
    if not has_expressions:
        return _constant_template(text)
    pieces = _PIECE.findall(text)
    if "".join(pieces) != text:
        return compile_whole(text)
    try:
        parts = [_expression(each) if each.startswith("{{") else _constant_template(each) for each in pieces]
    except InvalidTemplate:
        return compile_whole(text)  # for the line in the message
    if len(parts) == 1:
        return parts[0]
    return Template(
        None,
        tuple(path for part in parts for path in part.attributes),
        frozenset().union(*(part.lookups for part in parts)),
        any(part.pseudonyms for part in parts),
        concat([part.text for part in parts]),
    )


_PIECE = re.compile(
    r"""\{\{ [^{}"'\r+-]* (?: (?:"[^"\\{}\r]*" | '[^'\\{}\r]*') [^{}"'\r+-]* )* \}\} | [^{\r]+""", re.VERBOSE
)
"""An expression or the text before or after one, where neither changes what the other means: no `{{-`, no
braces or escapes in quotes."""


@lru_cache(maxsize=1000)
def _expression(source: str) -> Template:
    """Kept, because rules repeat expressions, and parsing them takes most of the time that a table takes."""
    return compile_whole(source)


_EXPRESSION = re.compile(r"""\$?(\{\{(?:[^}"']|"[^"]*"|'[^']*')*\}\})""")
_PLACEHOLDER = re.compile(r"\$\{\s*([\w.]+)\s*\}")


def _refuse_placeholders(text: str) -> None:
    """Refuses what other languages have for expressions. IMS takes no `$`, so the text cannot be meant."""
    for found in (*_EXPRESSION.finditer(text), *_PLACEHOLDER.finditer(_EXPRESSION.sub("", text))):
        if found[0].startswith("$"):
            right = found[1] if found[1].startswith("{{") else f"{{{{ {found[1]} }}}}"
            raise InvalidTemplate(f"{found[0]} is not an expression; write {right}")


def _constant_template(text: str) -> Template:
    return Template(text, (), frozenset(), False, lambda _: text)


def compile_whole(text: str) -> Template:
    """The same for a text of any length with expressions, taken at once. Raises InvalidTemplate."""
    reader = Reader()
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
