"""What filters give, what they cannot take, and which arguments they refuse at load."""

import zoneinfo
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.errors import InvalidTag, MissingAttribute
from handlers.core.times import parse_time
from handlers.core.values.expressions import MAX_TEXT_LENGTH
from handlers.core.values.filters import EXAMPLES, FILTERS, MAX_INPUT
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
    ("plus('30d')", "2026-01-05T10:15:30Z", "2026-02-04T10:15:30Z"),
    ("plus('-1d')", "2026-01-01T00:00:00Z", "2025-12-31T00:00:00Z"),
    ("plus('36h')", "2026-01-05 10:15:30.5", "2026-01-06T22:15:30.500000Z"),
    ("plus('2w')|date", "2016/12/20 07:07:28 GMT+08:00", "2017-01-02"),
    ("plus('1d')", 1765788999507, "2025-12-16T08:56:39.507000Z"),
    ("plus('0h')", "2026-07-05T10:00:00+02:00", "2026-07-05T08:00:00Z"),
    ("plus('1d')|plus('-24h')|date('%H')", "2026-03-28T12:00:00Z", "12"),
    ("plus('1d')|date('%H', timezone='Europe/Berlin')", "2026-03-28T12:00:00Z", "14"),
    ("plus('355000d')|date", "2026-01-01T00:00:00Z", "2997-12-16"),
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
    *(("plus('1d')", value) for value in ("yesterday", True, 42, ["a"], {"a": "b"}, "2999-12-31T00:00:00Z")),
    ("plus('-1d')", "1970-01-01T12:00:00Z"),
    ("plus('53000w')", "2026-01-05T10:15:30Z"),
    ("plus('-53000w')", "2026-01-05T10:15:30Z"),
]

MISSING: list[tuple[str, Any]] = [
    *(
        (filter_, None)
        for filter_ in ("lower", "slug", "date", "plus('1d')", "first", "split('/')", "lookup('teams', 'y')")
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
    *("plus", "plus(30)", "plus('30')", "plus('d')", "plus('30m')", "plus('1.5d')", "plus('+1d')"),
    *("plus('1d12h')", "plus(' 1d')", "plus('1d\\n')", "plus('\u0661d')", "plus('99999999w')", "plus('')"),
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


MESSAGES = {
    "lower('x')": "`lower` does not take these arguments; write lower without any",
    "lower(1)": "an argument of `lower` is not text in quotes; write lower without any",
    "replace('a')": '`replace` does not take these arguments; write for example replace(" ", "-")',
    "replace('a', b)": 'an argument of `replace` is not text in quotes; write for example replace(" ", "-")',
    "split(1)": 'an argument of `split` is not text in quotes; write for example split("/")',
    "date(1)": 'an argument of `date` is not text in quotes; write for example date("%Y-%m")',
    "lookup(x)": 'an argument of `lookup` is not text in quotes; write for example lookup("teams")',
    "plus": '`plus` does not take these arguments; write for example plus("30d")',
    "plus(*x)": '`plus` takes no * and no **; write for example plus("30d")',
    "default": '`default` does not take these arguments; write for example default("unknown")',
    "plus('30m')": (
        'mend the arguments of `plus`: "30m" is not a duration, use a whole number of hours, days or weeks, '
        'such as "12h", "30d", "-4w"'
    ),
    "plus('999999w')": (
        'mend the arguments of `plus`: "999999w" is longer than all the time from 1970 to 2999, use less'
    ),
}


@pytest.mark.parametrize(("filter_", "message"), MESSAGES.items(), ids=MESSAGES)
def test_what_to_write_instead(filter_: str, message: str) -> None:
    """A refusal shows the very filter with right arguments."""
    with pytest.raises(InvalidTemplate) as raised:
        compile_template(f"{{{{ data.x | {filter_} }}}}")
    assert str(raised.value) == message


def test_every_filter_with_arguments_has_an_example() -> None:
    """The example of a filter is taken, and filters without one take no arguments."""
    for name in FILTERS:
        assert EXAMPLES.get(name, name).startswith(name)
        compile_template(f"{{{{ data.x | {EXAMPLES.get(name, name)} }}}}")


def test_a_time_that_plus_cannot_take_or_give() -> None:
    """The reason says what is wrong, and what to use instead."""
    with pytest.raises(
        InvalidTag, match="the value before `plus` is not a time from 1970 to 2999; use another"
    ):
        render("plus('1d')", "yesterday")
    with pytest.raises(InvalidTag, match="the result of `plus` is not from 1970 to 2999; use another"):
        render("plus('1d')", "2999-12-31T12:00:00Z")


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 31)),  # noqa: DTZ001 - the zone is in the text
    st.integers(-20_000, 20_000),
    st.sampled_from("hdw"),
    st.sampled_from(["Z", "+08:00", ""]),
)
def test_plus_and_minus(time: datetime, number: int, unit: str, zone: str) -> None:
    """A time plus a duration is as much later, and minus the same it is the time again."""
    text = f"{time.isoformat()}{zone}"
    there = parse_time(text)
    try:
        later = render(f"plus('{number}{unit}')", text)
    except InvalidTag:
        hours = number * {"h": 1, "d": 24, "w": 168}[unit]
        assert there is None or not 1970 <= (there + timedelta(hours=hours)).year <= 2999
        return
    assert there is not None
    assert parse_time(later) == there + timedelta(hours=number * {"h": 1, "d": 24, "w": 168}[unit])
    assert parse_time(render(f"plus('{-number}{unit}')", later)) == there
    assert render(f"plus('{number}{unit}')|date", text) == later[:10]


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
    "plus": "('1d')",
}
NO_TEXTS = {"first", "last", "date", "plus"}
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
