"""What filters give, what they cannot take, and which arguments they refuse at load."""

import zoneinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.errors import InvalidTag, MissingAttribute
from handlers.core.values.expressions import MAX_TEXT_LENGTH
from handlers.core.values.filters import FILTERS, MAX_INPUT
from handlers.core.values.template import InvalidTemplate, compile_template

LONE = "\ud800"

RENDERS: list[tuple[str, Any, str]] = [
    ("default('y')", "x", "x"),
    ("default('y')", "", ""),
    ("default('y')", None, "y"),
    ("default(0)", None, "0"),
    ("default(data.z, image.name, 'y')", None, "web"),
    ("default(image)|default('y')", "x", "x"),
    ("lower", "WEB", "web"),
    ("lower", True, "true"),
    ("lower", LONE, LONE),
    ("upper", "web", "WEB"),
    ("upper", 1.5, "1.5"),
    ("trim", " \t web\n", "web"),
    ("replace('.', '-')", "a.b.c", "a-b-c"),
    ("replace('.', '-')", 1.5, "1-5"),
    ("replace(old='a', new='')", "banana", "bnn"),
    ("local_part", "alice@example.com", "alice"),
    ("local_part", "a@b@example.com", "a@b"),
    ("local_part", "alice", "alice"),
    ("local_part", "@example.com", ""),
    ("slug", "Web  Base_v2!", "web-base-v2"),
    ("slug", "Müller Straße", "muller-strasse"),
    ("slug", "\u210d\ufb01\u00b2", "hfi2"),
    ("slug", "a \u2013 b", "a-b"),
    ("slug", "", ""),
    ("slug", "!", "bb7208bc"),
    ("slug", "ø", "d48b452a"),
    ("slug", LONE, "91a681b9"),
    ("split('/')|first", "a/b", "a"),
    ("split('/')|first", "", ""),
    ("split('/')|last", "a/b", "b"),
    ("split(', ')|last", "a, b", "b"),
    ("split('.')|last", 1.5, "5"),
    ("first", ["a", "b"], "a"),
    ("last", ["a", 7], "7"),
    ("date", "2026-01-05T23:15:30-02:00", "2026-01-06"),
    ("date", 1765788999507, "2025-12-15"),
    ("date('%Y%m%dT%H%M%S')", "2026-01-05T01:02:03Z", "20260105T010203"),
    ("date('%G-W%V %j %%')", "2026-01-01T00:00:00Z", "2026-W01 001 %"),
    ("date('\\ud800\\x00%Y')", "2026-01-05T01:02:03Z", LONE + "\x002026"),
    ("date(timezone='Europe/Berlin', format='%H')", "2026-07-05T10:00:00Z", "12"),
    ("date", "2999-12-31T23:59:59Z", "2999-12-31"),
    ("short_hash", "alice", "2bd806c9"),
    ("short_hash", 1, "6b86b273"),
    ("short_hash", LONE, "91a681b9"),
    ("lookup('teams')", "alice", "platform"),
    ("lookup('teams', 'other')", "bob", "other"),
    ("lookup('teams')|default('other')", "bob", "other"),
    ("lookup(table='teams', otherwise='')", "bob", ""),
]

INVALID: list[tuple[str, Any]] = [
    *(
        (filter_, value)
        for filter_ in ("lower", "slug", "local_part", "date")
        for value in (["a"], {"a": "b"})
    ),
    ("lower", float("inf")),
    ("split('/')", "a/b"),
    ("split('/')|lower", "a/b"),
    ("first", "text"),
    ("last", {"a": "b"}),
    ("first", [["a"]]),
    ("date", "yesterday"),
    ("date", True),
    ("date", 42),
    ("lower|default('y')", ["a"]),
]

MISSING: list[tuple[str, Any]] = [
    *(
        (filter_, None)
        for filter_ in ("lower", "slug", "date", "first", "split('/')", "lookup('teams', 'y')")
    ),
    ("first", []),
    ("last", [None]),
    ("lookup('teams')", "bob"),
    ("default(data.y)", None),
]

REFUSED = [
    "default",
    "default()",
    "default(true)",
    "lower('x')",
    "lower(1)",
    "lower(*data.y)",
    "lower(**data.y)",
    "replace('a')",
    "replace('a', 1)",
    "replace('a', data.y)",
    "replace('a', 'b', 'c')",
    "replace('', 'b')",
    "split",
    "split('')",
    "date('%s')",
    "date('%A')",
    "date('%5Y')",
    "date('%-d')",
    "date('%')",
    "date('%\\n')",
    "date(zone='UTC')",
    "date(timezone='Nowhere/City')",
    "date(timezone='Europe')",
    "date(timezone='../etc/passwd')",
    "date(timezone='/etc/localtime')",
    "date(timezone='')",
    "date(timezone='\\x00')",
    "date(timezone='\\ud800')",
    "lookup",
    "lookup(data.y)",
    "lookup('teams', 'a', 'b')",
    *("attr('y')", "map('lower')", "center(9)", "format(1)", "indent", "xmlattr", "join", "list", "nothing"),
]


def render(filters: str, value: Any) -> str:
    event = {"data": {"x": value}, "image": {"name": "web"}}
    return compile_template(f"{{{{ data.x|{filters} }}}}").render(event, {"teams": {"alice": "platform"}.get})


@pytest.mark.parametrize(("filters", "value", "result"), RENDERS, ids=ascii)
def test_renders(filters: str, value: Any, result: str) -> None:
    """A filter gives its text."""
    assert render(filters, value) == result


@pytest.mark.parametrize(("filters", "value"), INVALID, ids=ascii)
def test_invalid(filters: str, value: Any) -> None:
    """What a filter cannot take makes the tag invalid, with or without a default."""
    with pytest.raises(InvalidTag):
        render(filters, value)


@pytest.mark.parametrize(("filters", "value"), MISSING, ids=ascii)
def test_missing(filters: str, value: Any) -> None:
    """What is missing stays missing through a filter."""
    with pytest.raises(MissingAttribute):
        render(filters, value)


@pytest.mark.parametrize("filters", REFUSED, ids=ascii)
def test_refused(filters: str) -> None:
    """A filter that is unknown, or that can never work so, is a fault of the table."""
    with pytest.raises(InvalidTemplate):
        compile_template(f"{{{{ data.x|{filters} }}}}")


def test_utc_needs_no_time_zone_database() -> None:
    """A date in UTC works on a machine without time zones."""
    zoneinfo.ZoneInfo.clear_cache()
    zoneinfo.reset_tzpath(to=())
    try:
        assert render("date", "2026-01-05T10:15:30Z") == "2026-01-05"
    finally:
        zoneinfo.reset_tzpath()


def test_default_is_lazy() -> None:
    """A fallback that nobody needs cannot fail."""
    assert render("default(image.name|date)", "x") == "x"


def test_all_missing_are_named() -> None:
    """Where no fallback is there, the reason names each attribute that was looked for."""
    with pytest.raises(MissingAttribute, match=r"no data\.x; .* no data\.y"):
        render("default(data.y)", None)


def test_growth_is_refused_before_it_happens() -> None:
    """A text never grows beyond the limit, which itself may be reached."""
    text, longest = "a" * 8192, MAX_TEXT_LENGTH // 8192
    assert render(f"replace('a', '{'b' * longest}')", text) == "b" * MAX_TEXT_LENGTH
    with pytest.raises(InvalidTag, match="longer"):
        render(f"replace('a', '{'b' * (longest + 1)}')", text)
    with pytest.raises(InvalidTag, match="a filter takes at most 10000 characters"):
        render(f"replace('a', '{'b' * longest}')|replace('b', 'a')", text)


ARGUMENTS = {
    "replace": "('\ufdfa', 'a')",
    "split": "('\ufdfa')|first",
    "lookup": "('teams', '')",
    "default": "('')",
}
NO_TEXTS = {"first", "last", "date"}
"""Filters that take something else, and refuse a text that is none of it."""


@pytest.mark.parametrize("name", FILTERS)
def test_a_long_text_is_no_trouble(name: str) -> None:
    """Every filter copes with the longest text that it takes, whatever is in it."""
    filters, text = name + ARGUMENTS.get(name, ""), "\ufdfa" * MAX_INPUT
    if name in NO_TEXTS:
        with pytest.raises(InvalidTag, match=r"not a (list|time)"):
            render(filters, text)
    else:
        assert len(render(filters, text)) <= MAX_INPUT


@pytest.mark.parametrize("name", sorted(FILTERS.keys() - NO_TEXTS - {"default"}))
def test_a_longer_text_is_refused(name: str) -> None:
    """What reads a text refuses one that is longer, whose cost might be the square of its length."""
    with pytest.raises(InvalidTag, match="a filter takes at most 10000 characters"):
        render(name + ARGUMENTS.get(name, ""), "\ufdfa" * (MAX_INPUT + 1))


@given(st.text(min_size=1))
def test_slug_is_a_name(text: str) -> None:
    """A slug is words of lower-case ASCII with single hyphens, and making one twice changes nothing."""
    slug = render("slug", text)
    assert all(word.isascii() and word.isalnum() and word == word.lower() for word in slug.split("-"))
    assert render("slug", slug) == slug


@given(st.text(alphabet="абв镜像ø-", max_size=3), st.text(alphabet="абв镜像ø", min_size=1, max_size=3))
def test_slug_keeps_other_alphabets_apart(one: str, other: str) -> None:
    """Two texts do not get one slug when letters of one have no ASCII form."""
    if one.casefold() != other.casefold():
        assert render("slug", one) != render("slug", other)
