"""Tag values: what they read and give, what is missing or invalid, and what is refused at load."""

import json
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from math import isfinite
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.errors import InvalidTag, MissingAttribute
from handlers.core.values.expressions import MAX_TEXT_LENGTH
from handlers.core.values.filters import FILTERS
from handlers.core.values.template import (
    LONGEST_TEMPLATE,
    InvalidTemplate,
    Template,
    compile_template,
    compile_whole,
)

EVENT = {
    "id": "42",
    "data": {
        "text": "Web",
        "empty": "",
        "null": None,
        "number": 1.5,
        "whole": 10**20,
        "yes": True,
        "list": ["a", {"k": "v"}, None],
        "object": {"items": "mine", "0": "zero", "__class__": "json"},
        "a.b": "dot",
    },
    "image": {"name": "prod-web-01", "creator": {"name": "alice@example.com"}},
}

RENDERS = [
    ("", ""),
    ("prod", "prod"),
    ("a }} b { c } % #", "a }} b { c } % #"),
    ("{{ id }}", "42"),
    ("{{id}}", "42"),
    ("a {{- id -}} b", "a42b"),
    ("{{ image.creator.name | local_part | upper }}", "ALICE"),
    ("img-{{ image.name }}-{{ data.number }}\n", "img-prod-web-01-1.5\n"),
    ("{{ data.text ~ '-' ~ data.yes ~ 7 }}", "Web-true7"),
    ("{{ data['a.b'] }}", "dot"),
    ("{{ data['text'] }}", "Web"),
    ("{{ data.list[0] }}", "a"),
    ("{{ data.list.0 }}", "a"),
    ("{{ data.list[1].k }}", "v"),
    ("{{ (data.list | last | default(data.object)).items }}", "mine"),
    ("{{ (image.name | split('-'))[1] }}", "web"),
    ("{{ data.object.items }}", "mine"),
    ("{{ data.object['0'] }}", "zero"),
    ("{{ data.object.__class__ }}", "json"),
    ("{{ data.whole }}", "100000000000000000000"),
    ("{{ data.empty }}", ""),
    ("{{ data.nothing | default(data.null, 'x') }}", "x"),
    ("{{ '{{ a }}' }}", "{{ a }}"),
    ('{{ "{%" }}', "{%"),
    ("{{ 'tab\\t' 'and more' }}", "tab\tand more"),
]

MISSING = [
    ("{{ nothing }}", "nothing"),
    ("{{ data.nothing.at.all }}", "data.nothing.at.all"),
    ("{{ data.null }}", "data.null"),
    ("{{ data.null.x }}", "data.null.x"),
    ("x-{{ data.nothing }}", "data.nothing"),
    ("{{ 'x' ~ data.nothing }}", "data.nothing"),
    ("{{ data.nothing | lower | trim }}", "data.nothing"),
    ("{{ data['no thing'][0] }}", 'data["no thing"][0]'),
    ("{{ data.list[2] }}", "data.list[2]"),
    ("{{ data.list[99999999999999999999] }}", "data.list[99999999999999999999]"),
    ("{{ data.list['0'] }}", 'data.list["0"]'),
    ("{{ data.object[0] }}", "data.object[0]"),
    ("{{ data.text[0] }}", "data.text[0]"),
    ("{{ data.text.upper }}", "data.text.upper"),
    ("{{ data.keys }}", "data.keys"),
    ("{{ data.list.append }}", "data.list.append"),
    ("{{ data.number.real }}", "data.number.real"),
    ("{{ data.text.__class__.__mro__ }}", "data.text.__class__.__mro__"),
    ("{{ (image.name | split('-'))[7] }}", "[7]"),
    ("{{ self }}", "self"),
    ("{{ self.__init__.__globals__ }}", "self.__init__.__globals__"),
    ("{{ cycler }}", "cycler"),
    ("{{ namespace }}", "namespace"),
    ("{{ loop.index }}", "loop.index"),
]

REFUSED = [
    *(
        "{{",
        "{{ }}",
        "{{ data.text",
        "{{ data. }}",
        "{{ 'x }}",
        "{{ data.text }",
        "{{ data.text | }}",
        "{{ a b }}",
    ),
    *(
        "{% if id %}x{% endif %}",
        "{% raw %}{{ id }}{% endraw %}",
        "{% set a = 1 %}",
        "{% include 'x' %}",
        "{%",
    ),
    *("{# comment #}", "{#", "{#- {{ id }} -#}", "{{ id }}{# comment #}", "{{ {# #} id }}", "{{ id # id }}"),
    *("{{ ''.__class__ }}", "{{ 'abc'[0] }}", "{{ (id ~ id).x }}", "{{ 7.real }}"),
    *("{{ range(10**9) }}", "{{ id() }}", "{{ data.text.upper() }}", "{{ id | lower()() }}", "{{ super() }}"),
    *(
        "{{ id + 1 }}",
        "{{ id - 1 }}",
        "{{ id * 9 }}",
        "{{ id ** 9 }}",
        "{{ id / 2 }}",
        "{{ id // 2 }}",
        "{{ '%9d' % 1 }}",
    ),
    *(
        "{{ -1 }}",
        "{{ +1 }}",
        "{{ not id }}",
        "{{ id and id }}",
        "{{ id or 'x' }}",
        "{{ id == '1' }}",
        "{{ '1' in id }}",
    ),
    *(
        "{{ id if id }}",
        "{{ id is defined }}",
        "{{ [id] }}",
        "{{ (id, id) }}",
        "{{ id, id }}",
        "{{ {'a': id} }}",
    ),
    *(
        "{{ data.list[1:] }}",
        "{{ data.list[:] }}",
        "{{ data.list[-1] }}",
        "{{ data[id] }}",
        "{{ data.list[0, 1] }}",
    ),
    *("{{ data.list[1.5] }}", "{{ data.list[true] }}", "{{ true }}", "{{ None }}", "{{ 1.5 }}"),
    *("{{ id | attr('x') }}", "{{ id | lower.upper }}", "{{ id | split('-')[0] }}", "{{ id | safe }}"),
    *("{{ \udc80 }}", "{{ '\\x' }}", "{{ \x00 }}"),
]


@pytest.mark.parametrize(("text", "result"), RENDERS, ids=ascii)
def test_renders(text: str, result: str) -> None:
    """Literal text and JSON members become the value."""
    assert compile_template(text).render(EVENT) == result


@pytest.mark.parametrize(("text", "path"), MISSING, ids=ascii)
def test_missing(text: str, path: str) -> None:
    """What is no member in the event's JSON is missing, and the reason names it as the value does."""
    with pytest.raises(MissingAttribute) as missing:
        compile_template(text).render(EVENT)
    assert f" {path} " in f"{missing.value} "


@pytest.mark.parametrize(
    "text", ["{{ data }}", "{{ data.list }}", "x{{ data.list[1] }}", "{{ id ~ data.object }}"]
)
def test_invalid(text: str) -> None:
    """A list or an object has no text."""
    with pytest.raises(InvalidTag, match="is not text"):
        compile_template(text).render(EVENT)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 10**5000], ids=["inf", "nan", "huge"])
def test_numbers_that_json_cannot_write(number: float) -> None:
    """A number without a JSON form is invalid, not Python text."""
    with pytest.raises(InvalidTag, match="number"):
        compile_template("{{ data }}").render({"data": number})


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_refused(text: str) -> None:
    """Whatever is no attribute, constant, filter or ~ is a fault of the table."""
    with pytest.raises(InvalidTemplate):
        compile_template(text)


WORDS = {
    "{{ id + 1 }}": "a value has no +; join texts with ~",
    "{{ id - 1 }}": "a value has no -; it selects and joins, and does not calculate",
    "{{ -1 }}": "a value has no -; it selects and joins, and does not calculate",
    "{{ id ** 9 }}": "a value has no **; it selects and joins, and does not calculate",
    "{{ id % 9 }}": "a value has no %; it selects and joins, and does not calculate",
    "{{ data.text.upper() }}": "a value has no call upper(); apply a filter, such as image.name | upper",
    "{{ range(9) }}": "a value has no call range(); apply a filter, such as image.name | lower",
    "{{ id().x }}": "a value has no call id(); apply a filter, such as image.name | lower",
    "{{ id or 'x' }}": "a value has no `or`; write what stands in for a missing attribute as default(...)",
    "{{ id and id }}": "a value has no `and`; put conditions into the rule's `when`",
    "{{ not id }}": "a value has no `not`; put conditions into the rule's `when`",
    "{{ id if id }}": "a value has no `if`; put conditions into the rule's `when`",
    "{{ id == '1' }}": "a value has no comparison; put conditions into the rule's `when`",
    "{{ id is defined }}": "a value has no `is`; put conditions into the rule's `when`",
    "{{ [id] }}": "a value has no list; name one of its elements alone",
    "{{ id, id }}": "a value has no comma; join texts with ~",
    "{{ {'a': id} }}": "a value has no object in braces; name one of its members alone",
    "{{ true }}": "a value has no constant true; write it in quotes",
    "{{ None }}": "a value has no constant none; write it in quotes",
    "{{ 1.5 }}": "a value has no constant 1.5; write it in quotes",
    "${image.name}": "${image.name} is not an expression; write {{ image.name }}",
    "by ${ data.x } at {{ id }}": "${ data.x } is not an expression; write {{ data.x }}",
    "{{ id }}${{ id }}": "${{ id }} is not an expression; write {{ id }}",
}


@pytest.mark.parametrize(("text", "message"), WORDS.items(), ids=WORDS)
def test_words_of_a_refusal(text: str, message: str) -> None:
    """What is refused is called by its sign in the value, with what to write instead."""
    with pytest.raises(InvalidTemplate) as raised:
        compile_template(text)
    assert str(raised.value) == message


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_no_refusal_names_a_part_of_a_parser(text: str) -> None:
    """No message holds a name of the parser's classes."""
    with pytest.raises(InvalidTemplate) as raised:
        compile_template(text)
    assert not re.search(
        r"\b(Call|Add|CondExpr|Compare|TemplateData|Getattr|NoneType|TypeError)\b", str(raised.value)
    )


@pytest.mark.parametrize(
    "text", ["$", "$x", "{x}", "${", "$ {x}", "{{ 'a' | replace('${b}', 'c') }}", "%{x}"]
)
def test_a_dollar_alone_is_text(text: str) -> None:
    """Only what another language would fill in is refused."""
    compile_template(text)


def test_a_refusal_names_the_line() -> None:
    """A fault of syntax is told with its line in the value."""
    for text in ("{{ id }}\n{{ id", "{{ id }}\n{{ id | }}"):
        with pytest.raises(InvalidTemplate, match="line 2 of the value"):
            compile_template(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 400 + "id" + ")" * 400 + " }}",
        "{{ " + "[" * 900 + " }}",
        "{{ " + "not " * 240 + "id }}",
        "{{ id" + " | replace('a', 'aa')" * 10_000 + " }}",
        "{{ " + "9" * 5000 + " }}",
        "{{ id }}" + "x" * LONGEST_TEMPLATE,
    ],
    ids=["parentheses", "brackets", "not", "filters", "digits", "literal text"],
)
def test_depth_and_length_are_bounded(text: str) -> None:
    """A value too deep for the parser, or too long to be meant, is refused like any other fault."""
    with pytest.raises(InvalidTemplate):
        compile_template(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ id" + "|trim" * 197 + " }}",
        "{{ id" + ".x" * 485 + "|default('42') }}",
        "{{ " + "a|default(" * 28 + "id" + ")" * 28 + " }}",
    ],
    ids=["filters", "members", "defaults"],
)
def test_the_longest_values_render(text: str) -> None:
    """What is accepted also renders, with stack to spare."""
    template = compile_template(text)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(700)
    try:
        assert template.render({"id": "42"}) == "42"
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("text", ["{{ data ~ data }}", "{{ data }}{{ data }}", "{{ data }}x"])
def test_growth_is_refused(text: str) -> None:
    """A value is no longer than an event may be, even put together from several attributes."""
    assert compile_template("{{ data }}").render({"data": "x" * MAX_TEXT_LENGTH}) == "x" * MAX_TEXT_LENGTH
    with pytest.raises(InvalidTag, match="longer"):
        compile_template(text).render({"data": "x" * MAX_TEXT_LENGTH})


def test_what_a_value_reads() -> None:
    """A template tells which attributes and lookup tables it reads, so that the table can check them."""
    template = compile_template(
        "{{ image.creator.name | default(data['a.b'][0], id) | lookup('teams') ~ (data.x | split('/'))[1] }}"
        "{{ id | lookup(table='sites', otherwise='none') }}"
    )
    assert template.attributes == (
        ("image", "creator", "name"), ("data", "a.b", 0), ("id",), ("data", "x"), ("id",)
    )  # fmt: skip
    assert template.lookups == {"teams", "sites"}
    assert template.constant is None


def test_a_constant_is_known_at_load() -> None:
    """A text without an expression is its own value, of any length, and reads nothing."""
    template = compile_template("prod " * 1000)
    assert template.constant == "prod " * 1000
    assert not template.attributes


SNIPPETS = st.sampled_from(
    [*"|~()'1,\\*-#% \n", "{{", "}}", "{%", "{#", "data", ".x", "[0]", "['x']", "if", "not", *FILTERS]
)


@given(
    st.text() | st.lists(SNIPPETS | st.text(max_size=2)).map("".join) | st.text().map("{{{{ {} }}}}".format)
)
def test_any_text_compiles_or_is_refused(text: str) -> None:
    """No text in a rules table causes anything but a fault of the table."""
    with suppress(InvalidTemplate):
        assert compile_template(text).constant in (None, text)


PIECES = st.sampled_from(
    [
        *(
            "{{ id }}",
            "{{id|lower}}",
            "{{ data.text | replace(' ', '-') }}",
            '{{ data.x | default("a", id) }}',
        ),
        *(
            "{{- id }}",
            "{{ id -}}",
            "{{+ id }}",
            "{{ '}}' }}",
            "{{ 'a\\'b' }}",
            "{{ id\n~ 'x' }}",
            "{{ '{{' }}",
        ),
        *(
            "{{ data | lookup('a') }}",
            "{{ id | pseudonym }}",
            "{{ nothing }}",
            "{{ id | date }}",
            "{{ '-' ~ 1 }}",
        ),
        *(
            " a ",
            "\n",
            "\r\n",
            "}}",
            "{",
            "}",
            "%}",
            "#}",
            "-",
            "'",
            '"',
            "{{ id",
            "{%",
            "a {{",
            "{{ }}",
            "{{{ id }}",
        ),
    ]
)


def _compiled(compile_: Callable[[str], Template], text: str) -> Any:
    """All that can be told of a template, or why there is none."""
    try:
        template = compile_(text)
    except InvalidTemplate as refused:
        return str(refused)
    try:
        result = template.render(EVENT, {"a": dict[str, str]().get}, b"key")
    except (MissingAttribute, InvalidTag) as error:
        result = repr(error)
    return template.attributes, template.lookups, template.pseudonyms, result


@given(
    st.lists(PIECES, min_size=1, max_size=5).map("".join).filter(lambda text: "{{" in text or "{%" in text)
)
def test_pieces_are_the_whole(text: str) -> None:
    """A value that is compiled piece by piece is what the parser makes of the whole."""
    assert _compiled(compile_template, text) == _compiled(compile_whole, text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xy"), inner),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_text_missing_or_invalid(value: Any) -> None:
    """A value is the event's text, or a number or boolean as in JSON, and never a word of Python."""
    template = compile_template("{{ data.x }}")
    try:
        result = template.render({"data": {"x": value}})
    except MissingAttribute:
        assert value is None
    except InvalidTag:
        assert isinstance(value, list | dict) or not isfinite(value)
    else:
        assert result == value if isinstance(value, str) else json.loads(result) == value


ARGUMENTS = {
    "default": "(data.y, 'z')",
    "replace": "('a', 'b')",
    "split": "('a')",
    "date": "('%Y%j', timezone='Europe/Berlin')",
    "lookup": "('any')",
    "plus": "('-4w')",
}
CHAINS = st.lists(st.sampled_from([name + ARGUMENTS.get(name, "") for name in FILTERS]), max_size=4)


@given(JSON, CHAINS)
def test_any_json_through_any_filters(data: Any, filters: list[str]) -> None:
    """Whatever JSON an event is, a value is text, missing or invalid."""
    template = compile_template("{{ " + "|".join(["data", *filters]) + " }}{{ data.x }}{{ (data|first)[0] }}")
    with suppress(MissingAttribute, InvalidTag):
        assert isinstance(template.render({"data": data}, {"any": {"x": "y"}.get}), str)
