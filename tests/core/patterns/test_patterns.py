"""Event patterns, each operator as two lists: what it matches and what it does not."""

import datetime as dt
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from handlers.core.patterns.comparisons import identity
from handlers.core.patterns.compile import InvalidPattern, compile_pattern
from handlers.core.patterns.index import PatternIndex
from handlers.core.patterns.operators import OPERATORS

PEOPLE = {"people": [{"first": "John", "last": "Doe"}, {"first": "Anna", "last": "Smith"}]}

# For each operator: events' values of `a`, and the pattern's list for it.
MATCH: dict[str, list[tuple[Any, list[Any]]]] = {
    "exact": [
        ("x", ["x"]),
        ("x", ["w", "x"]),
        ("", [""]),
        (1, [1.0]),
        (1.0, [1]),
        (10**20, [1e20]),
        (True, [True]),
        (False, [False]),
        (None, [None]),
        (["w", "x"], ["x", "y"]),
        ([["w"], ["x"]], ["x"]),
        ([{"b": 1}, "x"], ["x"]),
    ],
    "prefix": [
        ("prod-1", [{"prefix": "prod-"}]),
        ("prod-", [{"prefix": "prod-"}]),
        ("Prod-1", [{"prefix": "Prod-"}]),
        ("", [{"prefix": ""}]),
        ("PROD-1", [{"prefix": {"equals-ignore-case": "prod-"}}]),
    ],
    "suffix": [
        ("a.png", [{"suffix": ".png"}]),
        ("a", [{"suffix": ""}]),
        ("a.PNG", [{"suffix": {"equals-ignore-case": ".png"}}]),
    ],
    "equals-ignore-case": [
        ("IMS", [{"equals-ignore-case": "ims"}]),
        ("Straße", [{"equals-ignore-case": "STRASSE"}]),
    ],
    "wildcard": [
        ("prod-web-1", [{"wildcard": "prod-*-1"}]),
        ("prod--1", [{"wildcard": "prod-*-1"}]),
        ("", [{"wildcard": "*"}]),
        ("abcabc", [{"wildcard": "*abc"}]),
        ("xaybz", [{"wildcard": "*a*b*"}]),
        ("a*b", [{"wildcard": r"a\*b"}]),
        (r"a\b", [{"wildcard": r"a\\b"}]),
        ("line\nbreak", [{"wildcard": "line*"}]),
    ],
    "anything-but": [
        ("y", [{"anything-but": "x"}]),
        ("z", [{"anything-but": ["x", "y"]}]),
        (2, [{"anything-but": 1}]),
        (3, [{"anything-but": [1, 2]}]),
        ("1", [{"anything-but": 1}]),
        (None, [{"anything-but": "x"}]),
        (True, [{"anything-but": 1}]),
        (["x", "y"], [{"anything-but": "x"}]),
        ("dev-1", [{"anything-but": {"prefix": "prod-"}}]),
        ("dev-1", [{"anything-but": {"prefix": ["prod-", "test-"]}}]),
        (5, [{"anything-but": {"prefix": "5"}}]),
        ("a.jpg", [{"anything-but": {"suffix": [".png", ".gif"]}}]),
        ("dev", [{"anything-but": {"equals-ignore-case": ["prod", "test"]}}]),
        ("/usr/bin", [{"anything-but": {"wildcard": "*/lib/*"}}]),
    ],
    "numeric": [
        (5, [{"numeric": ["=", 5.0]}]),
        (5, [{"numeric": [">", 4]}]),
        (5, [{"numeric": [">=", 5]}]),
        (5, [{"numeric": ["<", 5.5]}]),
        (5, [{"numeric": ["<=", 5]}]),
        (5, [{"numeric": [">", 0, "<=", 5]}]),
        (5, [{"numeric": [">=", 5, "<", 6]}]),
        (-1.5, [{"numeric": ["<", -1]}]),
        (1_767_608_130_000, [{"numeric": [">", 1_767_608_000_000]}]),
        ([1, 9], [{"numeric": [">", 5]}]),
    ],
    "cidr": [
        ("10.1.2.3", [{"cidr": "10.0.0.0/8"}]),
        ("10.1.2.3", [{"cidr": "10.9.9.9/8"}]),
        ("1.2.3.4", [{"cidr": "0.0.0.0/0"}]),
        ("2001:DB8:0::1", [{"cidr": "2001:db8::/32"}]),
    ],
    "exists": [
        ("x", [{"exists": True}]),
        (None, [{"exists": True}]),
        ("", [{"exists": True}]),
        ([1], [{"exists": True}]),
        ({"b": 1}, [{"exists": False}]),
        ([], [{"exists": False}]),
        ([{"b": 1}], [{"exists": False}]),
        ("x", ["x", {"exists": False}]),
        ("x", ["y", {"exists": True}]),
    ],
    "null": [
        (None, [{"null": True}]),
        ([1, None], [{"null": True}]),
    ],
}

NO_MATCH: dict[str, list[tuple[Any, list[Any]]]] = {
    "exact": [
        ("X", ["x"]),
        ("1", [1]),
        (1, ["1"]),
        (True, [1]),
        (1, [True]),
        (0, [False]),
        ("", [None]),
        (None, [""]),
        ([], ["x"]),
        ({"x": "x"}, ["x"]),
    ],
    "prefix": [
        ("preprod-1", [{"prefix": "prod-"}]),
        ("PROD-1", [{"prefix": "prod-"}]),
        (5, [{"prefix": "5"}]),
        ("dev", [{"prefix": {"equals-ignore-case": "PROD"}}]),
    ],
    "suffix": [
        ("a.png.txt", [{"suffix": ".png"}]),
        ("a.PNG", [{"suffix": ".png"}]),
        (None, [{"suffix": ""}]),
        ("a.jpg", [{"suffix": {"equals-ignore-case": ".PNG"}}]),
    ],
    "equals-ignore-case": [
        ("IMS2", [{"equals-ignore-case": "ims"}]),
        (True, [{"equals-ignore-case": "true"}]),
    ],
    "wildcard": [
        ("prod-1", [{"wildcard": "prod-*-1"}]),
        ("xprod-a-1", [{"wildcard": "prod-*-1"}]),
        ("prod-a-12", [{"wildcard": "prod-*-1"}]),
        ("aba", [{"wildcard": "ab*ba"}]),
        ("bxa", [{"wildcard": "*a*b*"}]),
        ("xax", [{"wildcard": "*a*a*"}]),
        ("ab", [{"wildcard": "*ab*b"}]),
        ("axb", [{"wildcard": r"a\*b"}]),
        ("AB", [{"wildcard": "a*"}]),
        (5, [{"wildcard": "*"}]),
    ],
    "anything-but": [
        ("x", [{"anything-but": "x"}]),
        ("y", [{"anything-but": ["x", "y"]}]),
        (1.0, [{"anything-but": 1}]),
        (["x", "y"], [{"anything-but": ["x", "y"]}]),
        ([], [{"anything-but": "x"}]),
        ({"b": 1}, [{"anything-but": "x"}]),
        ("test-1", [{"anything-but": {"prefix": ["prod-", "test-"]}}]),
        ("a.gif", [{"anything-but": {"suffix": [".png", ".gif"]}}]),
        ("PROD", [{"anything-but": {"equals-ignore-case": "prod"}}]),
        ("/usr/lib/x", [{"anything-but": {"wildcard": "*/lib/*"}}]),
    ],
    "numeric": [
        (4, [{"numeric": [">", 4]}]),
        (0, [{"numeric": [">", 0, "<=", 5]}]),
        (5.1, [{"numeric": [">", 0, "<=", 5]}]),
        ("5", [{"numeric": ["=", 5]}]),
        (True, [{"numeric": ["=", 1]}]),
        (None, [{"numeric": ["<", 1]}]),
        (float("nan"), [{"numeric": [">", 0]}]),
    ],
    "cidr": [
        ("11.0.0.1", [{"cidr": "10.0.0.0/8"}]),
        ("::ffff:10.0.0.1", [{"cidr": "10.0.0.0/8"}]),
        ("no address", [{"cidr": "10.0.0.0/8"}]),
        (167772161, [{"cidr": "10.0.0.0/8"}]),
        ("2001:db9::1", [{"cidr": "2001:db8::/32"}]),
    ],
    "exists": [
        ("x", [{"exists": False}]),
        (None, [{"exists": False}]),
        ([None], [{"exists": False}]),
        ({"b": 1}, [{"exists": True}]),
        ([], [{"exists": True}]),
        ("y", ["x", {"exists": False}]),
    ],
    "null": [
        ("", [{"null": True}]),
        (0, [{"null": True}]),
        (False, [{"null": True}]),
    ],
}

TREE_MATCH: list[tuple[Any, Any]] = [
    ({"a": {"b": "x", "c": 1}}, {"a": {"b": ["x"]}}),
    ({"a": "x", "b": "y"}, {"a": ["x"], "b": ["y"]}),
    ({"a.b": "x"}, {"a.b": ["x"]}),
    (PEOPLE, {"people": {"first": ["Anna"], "last": ["Smith"]}}),
    ({"people": [PEOPLE["people"]]}, {"people": {"first": ["Anna"], "last": ["Smith"]}}),
    ({"a": [{"b": 1}, {"c": 2}]}, {"a": {"b": [1], "c": [{"exists": False}]}}),
    ({"a": [{"b": 1}, {"c": 2}]}, {"a": {"c": [{"exists": False}], "b": [1]}}),
    ({"a": 5}, {"a": {"b": [{"exists": False}]}}),
    ({}, {"a": {"b": [{"exists": False}]}}),
    ({"a": "x", "c": 1}, {"a": ["x"], "$or": [{"b": [1]}, {"c": [1]}]}),
    ({"a": {"b": 1}}, {"a": {"$or": [{"b": [1]}, {"c": [1]}]}}),
    ({"b": 1, "c": 2, "d": 3}, {"$or": [{"a": [1]}, {"b": [1], "$or": [{"c": [2]}, {"d": [4]}]}]}),
    (
        {"b": 1, "d": 4},
        {"$or": [{"a": [1]}, {"b": [1]}], "x": {"$or": [{"y": [{"exists": False}]}, {"z": [1]}]}},
    ),
    ({"$or": "x"}, {"$or": ["x"]}),
    ({"$or": "xy"}, {"$or": [{"prefix": "x"}, {"prefix": "z"}]}),
    ({"$or": {"a": 1}}, {"$or": {"a": [1]}}),
]

TREE_NO_MATCH: list[tuple[Any, Any]] = [
    ({"a": {"b": "x"}}, {"a": {"c": ["x"]}}),
    ({"a": "x", "b": "z"}, {"a": ["x"], "b": ["y"]}),
    ({"a": {"b": "x"}}, {"a.b": ["x"]}),
    ({}, {"a": [{"anything-but": "x"}]}),
    ({}, {"a": [None]}),
    (PEOPLE, {"people": {"first": ["Anna"], "last": ["Doe"]}}),
    ({"people": [PEOPLE["people"]]}, {"people": {"first": ["Anna"], "last": ["Doe"]}}),
    ({"a": [{"b": 1}, {"c": 2}]}, {"a": {"b": [{"exists": False}]}}),
    ({"a": [5, {"b": 1}]}, {"a": {"b": [{"exists": False}]}}),
    ({"a": "x", "d": 1}, {"a": ["x"], "$or": [{"b": [1]}, {"c": [1]}]}),
    ({"a": [{"b": 1}, {"c": 2}]}, {"a": {"b": [1]}, "$or": [{"a": {"c": [2]}}, {"x": [1]}]}),
    ([], {"a": ["x"]}),
    ("a", {"a": ["x"]}),
]

# Patterns that the language refuses, and what the message must say.
BAD: list[tuple[Any, str]] = [
    ([], "the pattern: needs at least one field"),
    ({}, "the pattern: needs at least one field"),
    ({"a": {}}, "a: needs at least one field"),
    ({"a": "x"}, "a: needs a list"),
    ({"a": None}, "a: needs a list"),
    ({"a": []}, "a: needs a list"),
    ({"data": {"size": 5}}, "data.size: needs a list"),
    ({"a": {"b.c": 5}}, 'a."b.c": needs a list'),
    ({1: ["x"]}, "needs strings as field names"),
    ({"a": [["x"]]}, "a: lists strings"),
    ({"a": [float("nan")]}, "a: lists strings, finite numbers"),
    ({"a": [float("inf")]}, "a: lists strings, finite numbers"),
    ({"a": [10**400]}, "a: lists strings, finite numbers"),
    ({"a": [dt.date(2026, 1, 5)]}, "a: lists strings"),
    ({"a": dt.datetime(2026, 1, 5, tzinfo=dt.UTC)}, "a: needs a list"),
    ({"a": [{}]}, "a: takes exactly one operator"),
    ({"a": [{"prefix": "x", "suffix": "y"}]}, "a: takes exactly one operator"),
    ({"a": [{"starts": "x"}]}, 'a: "starts" is no operator; there are prefix'),
    ({"a": [{1: "x"}]}, 'a: "int" is no operator'),
    ({"a": [{"prefix": 5}]}, 'a: "prefix" needs a string'),
    ({"a": [{"prefix": ["x"]}]}, 'a: "prefix" needs a string'),
    ({"a": [{"prefix": {"suffix": "x"}}]}, 'a: "prefix" takes a string, or'),
    ({"a": [{"suffix": {"equals-ignore-case": 5}}]}, 'a: "suffix" needs a string'),
    ({"a": [{"equals-ignore-case": ["x"]}]}, 'a: "equals-ignore-case" needs a string'),
    ({"a": [{"wildcard": "a**b"}]}, 'a: "wildcard" takes no two *'),
    ({"a": [{"wildcard": r"a\b"}]}, 'a: "wildcard" knows the escapes'),
    ({"a": [{"wildcard": "a\\"}]}, 'a: "wildcard" knows the escapes'),
    ({"a": [{"anything-but": []}]}, 'a: "anything-but" needs a string, a number'),
    ({"a": [{"anything-but": ["x", 1]}]}, 'a: "anything-but" needs a string, a number'),
    ({"a": [{"anything-but": None}]}, 'a: "anything-but" needs a string, a number'),
    ({"a": [{"anything-but": [True]}]}, 'a: "anything-but" needs a string, a number'),
    ({"a": [{"anything-but": {}}]}, 'a: "anything-but" negates one of'),
    ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, 'a: "anything-but" negates one of'),
    ({"a": [{"anything-but": {"prefix": []}}]}, 'a: "anything-but" of prefix'),
    ({"a": [{"anything-but": {"suffix": ["x", ""]}}]}, 'a: "anything-but" of suffix'),
    ({"a": [{"anything-but": {"wildcard": "**"}}]}, 'a: "anything-but" takes no two *'),
    ({"a": [{"anything-but": {"prefix": {"equals-ignore-case": "x"}}}]}, 'a: "anything-but" needs a string'),
    ({"data": {"size": [{"numeric": [">"]}]}}, 'data.size: "numeric" needs one of'),
    ({"a": [{"numeric": 5}]}, 'a: "numeric" needs one of'),
    ({"a": [{"numeric": ["!=", 5]}]}, 'a: "numeric" needs one of'),
    ({"a": [{"numeric": [">", "5"]}]}, 'a: "numeric" needs one of'),
    ({"a": [{"numeric": [">", True]}]}, 'a: "numeric" needs one of'),
    ({"a": [{"numeric": ["<", 5, ">", 0]}]}, 'a: "numeric" needs one of'),
    ({"a": [{"numeric": [">=", 5, "<=", 5]}]}, 'a: "numeric" needs one of'),
    ({"a": [{"numeric": ["=", 5, "<", 6]}]}, 'a: "numeric" needs one of'),
    ({"a": [{"numeric": [">", float("-inf")]}]}, 'a: "numeric" needs one of'),
    ({"a": [{"cidr": "10.0.0.1"}]}, 'a: "cidr" needs a network such as'),
    ({"a": [{"cidr": "10.0.0.0/255.0.0.0"}]}, 'a: "cidr" needs a network such as'),
    ({"a": [{"cidr": "10.0.0.0/33"}]}, 'a: "cidr" needs a network such as'),
    ({"a": [{"cidr": "10.0.0.1/32"}]}, 'a: "cidr" needs a network; a single address'),
    ({"a": [{"cidr": "host/8"}]}, 'a: "cidr" needs a network such as'),
    ({"a": [{"cidr": 8}]}, 'a: "cidr" needs a string'),
    ({"a": [{"exists": "true"}]}, 'a: "exists" needs true or false'),
    ({"a": [{"exists": 1}]}, 'a: "exists" needs true or false'),
    ({"a": [{"null": False}]}, 'a: "null" needs true'),
    ({"$or": [{"a": ["x"]}]}, '"$or" needs at least two tables'),
    ({"$or": [{"a": ["x"]}, {}]}, "the pattern: needs at least one field"),
    ({"$or": [{"a": ["x"]}, {"b": 5}]}, "b: needs a list"),
    ({"$or": [{"a": ["x"]}, {"prefix": ["x"]}]}, '$or": "a" is no operator'),
    ({"$or": [{"a": ["x"]}, "b"]}, '$or": "a" is no operator'),
    ({"a": {"$or": "x"}}, 'a."$or": needs a list'),
]


def _cases(table: dict[str, list[tuple[Any, list[Any]]]]) -> list[Any]:
    return [
        pytest.param({"a": value}, {"a": wanted}, id=f"{operator}: {value} {json.dumps(wanted)}")
        for operator, cases in table.items()
        for value, wanted in cases
    ]


def _trees(cases: list[tuple[Any, Any]]) -> list[Any]:
    return [pytest.param(event, pattern, id=f"{event} {pattern}") for event, pattern in cases]


@pytest.mark.parametrize(("event", "pattern"), [*_cases(MATCH), *_trees(TREE_MATCH)])
def test_match(event: Any, pattern: Any) -> None:
    """These match, also by way of an index, and nothing kept them from matching."""
    compiled = compile_pattern(pattern)
    assert compiled.matches(event)
    assert PatternIndex([compiled]).matching(event, lambda: None) == [0]
    assert compiled.why_not(event) is None


@pytest.mark.parametrize(("event", "pattern"), [*_cases(NO_MATCH), *_trees(TREE_NO_MATCH)])
def test_no_match(event: Any, pattern: Any) -> None:
    """These do not match, nor by way of an index, and a field says why."""
    compiled = compile_pattern(pattern)
    assert not compiled.matches(event)
    assert PatternIndex([compiled]).matching(event, lambda: None) == []
    assert " wanted " in str(compiled.why_not(event))


@pytest.mark.parametrize(("pattern", "message"), [pytest.param(*case, id=case[1]) for case in BAD])
def test_bad_pattern(pattern: Any, message: str) -> None:
    """What the language does not know is refused in one sentence that begins with the field."""
    with pytest.raises(InvalidPattern) as refused:
        compile_pattern(pattern)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_operator_is_shown() -> None:
    """Each row of the table of operators has its two lists here."""
    assert {*OPERATORS, "exact"} == MATCH.keys() == NO_MATCH.keys()


def test_depth_is_limited() -> None:
    """Patterns nest to 64 levels, through fields and `$or` alike; deeper ones are refused, not crashed on."""
    good: Any = {"a": ["x"]}
    for _ in range(63):
        good = {"a": good}
    compile_pattern(good)
    deep_fields: Any = ["x"]
    deep_or: Any = {"a": ["x"]}
    for _ in range(20_000):
        deep_fields = {"a": deep_fields}
        deep_or = {"$or": [deep_or, {"a": ["x"]}]}
    for pattern in (deep_fields, deep_or):
        with pytest.raises(InvalidPattern, match="nested deeper than 64 levels"):
            compile_pattern(pattern)


def test_combinations_are_limited() -> None:
    """Several `$or` multiply; above 1000 combinations the pattern is refused before they are made."""
    choice = {"$or": [{"x": [1]}, {"y": [1]}]}
    compile_pattern({f"f{number}": choice for number in range(9)})
    with pytest.raises(InvalidPattern, match="more than 1000 combinations"):
        compile_pattern({f"f{number}": choice for number in range(60)})


def test_deep_events_are_matched() -> None:
    """Arrays of an event may nest deeper than any event that the function accepts."""
    value: Any = "x"
    for _ in range(1000):
        value = [value]
    assert compile_pattern({"a": ["x"]}).matches({"a": value})
    assert compile_pattern({"a": {"b": [{"exists": False}]}}).matches({"a": value})


def test_wildcard_cost_is_bounded() -> None:
    """A wildcard never goes back, so a hostile pair of text and pattern costs no more than a long text."""
    wildcard = "*".join("a" * 2000) + "*b"
    assert not compile_pattern({"a": [{"wildcard": wildcard}]}).matches({"a": "a" * 200_000})


@pytest.mark.parametrize(
    ("event", "pattern", "text"),
    [
        pytest.param(
            {"image": {"name": "dev-1"}},
            {"image": {"name": [{"prefix": "prod-"}]}},
            'image.name is "dev-1", wanted [{"prefix": "prod-"}]',
            id="one value",
        ),
        pytest.param({}, {"a": ["x"], "b": ["y"]}, 'a is absent, wanted ["x"]', id="the first field decides"),
        pytest.param({"a": ["x", 2]}, {"a": ["y"]}, 'a is "x", 2, wanted ["y"]', id="an array's values"),
        pytest.param(
            {"a": 1}, {"a": [{"exists": False}]}, 'a is 1, wanted [{"exists": false}]', id="wanted absent"
        ),
        pytest.param(
            {"b": 1, "source": "x"},
            {"$or": [{"a": [1]}, {"b": [2]}], "source": ["x"]},
            "a is absent, wanted [1]; and b is 1, wanted [2]",
            id="every branch of $or",
        ),
        pytest.param(
            {"b": 1, "source": "y"},
            {"$or": [{"a": [1]}, {"b": [1]}], "source": ["x"]},
            'source is "y", wanted ["x"]',
            id="what all branches share is said once",
        ),
        pytest.param(
            PEOPLE,
            {"people": {"first": ["Anna"], "last": ["Doe"]}},
            'people.last is "Doe", "Smith", wanted ["Doe"] in the element that the fields before it chose',
            id="fields of different elements",
        ),
    ],
)
def test_why_not(event: Any, pattern: Any, text: str) -> None:
    """The reason names the first field that decided, what the event has there, and what was wanted."""
    assert str(compile_pattern(pattern).why_not(event)) == text


names = st.sampled_from(["a", "b", "c", "$or", "prefix"])
json_scalars = st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text(max_size=5)
scalars = json_scalars | st.floats()  # Python reads NaN and Infinity as JSON, too


def _nested(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=12,
    )


json_values = _nested(scalars)
operands = st.sampled_from([*OPERATORS, "$or"]).flatmap(
    lambda name: st.fixed_dictionaries({name: json_values | st.lists(scalars, max_size=4)})
)
near_patterns = st.recursive(
    st.lists(operands | scalars, max_size=3) | json_values,
    lambda inner: st.dictionaries(names, inner | st.lists(inner, max_size=3), max_size=3),
    max_leaves=8,
)


def _leaves(event: dict[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for name, value in event.items():
        if isinstance(value, dict):
            if below := _leaves(value):
                wanted[name] = below
        elif not isinstance(value, list):
            wanted[name] = [value]
    return wanted


@given(st.dictionaries(names, _nested(json_scalars), max_size=3))
def test_an_event_matches_its_own_leaves(event: dict[str, Any]) -> None:
    """A pattern made of an event's values matches that event, and every event that has more."""
    pattern = _leaves(event)
    assume(pattern)
    compiled = compile_pattern(pattern)
    assert compiled.matches(event)
    assert compiled.matches({**event, "more": 1})


@given(scalars, st.lists(st.text(max_size=2), min_size=1) | st.lists(st.integers(-3, 3), min_size=1))
def test_anything_but_negates_equality(value: Any, forbidden: list[Any]) -> None:
    """Where the field is there, `anything-but` matches exactly what the plain list does not."""
    plain = compile_pattern({"a": forbidden}).matches({"a": value})
    assert compile_pattern({"a": [{"anything-but": forbidden}]}).matches({"a": value}) is not plain
    assert plain is (identity(value) in map(identity, forbidden))


@given(near_patterns, json_values)
def test_any_value_compiles_or_is_refused(pattern: Any, event: Any) -> None:
    """Any value as a pattern compiles or raises InvalidPattern; any value as an event is judged."""
    try:
        compiled = compile_pattern(pattern)
    except InvalidPattern:
        return
    assert compiled.matches(event) is (compiled.why_not(event) is None)


def test_cidr_keeps_no_long_text() -> None:
    """A text that is no address takes no memory once its event is gone, however long it is."""
    pattern = compile_pattern({"a": [{"cidr": "10.0.0.0/8"}]})
    tracemalloc.start()
    try:
        for number in range(20):
            assert not pattern.matches({"a": f"{number}" + "x" * 1_000_000})
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
