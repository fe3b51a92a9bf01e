"""The index of patterns says what trying them one by one says, and tries few of them."""

import sys
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.patterns.compile import compile_pattern
from handlers.core.patterns.conditions import LOOKED_AT_MAX
from handlers.core.patterns.index import PatternIndex

names = st.sampled_from(["a", "b"])
texts = st.sampled_from(["", "x", "X", "xy", "yx", "Yxy", "ß", "SS"])
numbers = st.sampled_from([0, 1, 1.0, 1.5, 2, 10**20])
ranges = st.tuples(
    st.sampled_from([">", ">="]), st.just(0), st.sampled_from(["<", "<="]), st.sampled_from([1, 2])
)
values = st.sampled_from([None, True, False]) | numbers | texts
found = values | st.sampled_from([inf, -inf, nan, -1])
events = st.dictionaries(
    names,
    st.recursive(
        found,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=2),
        max_leaves=6,
    ),
    max_size=3,
)
operators = st.one_of(
    st.fixed_dictionaries({"prefix": texts}),
    st.fixed_dictionaries({"prefix": st.fixed_dictionaries({"equals-ignore-case": texts})}),
    st.fixed_dictionaries({"suffix": texts}),
    st.fixed_dictionaries({"equals-ignore-case": texts}),
    st.fixed_dictionaries({"wildcard": st.sampled_from(["X*", "*y", "x*y", "*x*", "*", "xy"])}),
    st.fixed_dictionaries({"anything-but": texts}),
    st.fixed_dictionaries(
        {"numeric": (st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), numbers) | ranges).map(list)}
    ),
    st.fixed_dictionaries({"exists": st.booleans()}),
)
leaves = st.lists(values | operators, min_size=1, max_size=2)


def _tables(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = st.dictionaries(names, leaves | inner, min_size=1, max_size=2)
    branches = st.lists(fields, min_size=2, max_size=3)
    return fields | st.builds(lambda table, choice: {**table, "$or": choice}, fields, branches)


patterns = st.recursive(st.dictionaries(names, leaves, min_size=1, max_size=2), _tables, max_leaves=3)


def no_check() -> None:
    """The search has all the time it wants."""


@given(st.lists(st.none() | patterns, max_size=6), events)
def test_index_agrees_with_one_by_one(written: list[Any], event: dict[str, Any]) -> None:
    """The index gives the positions of exactly the patterns that match, in ascending order."""
    compiled = [None if pattern is None else compile_pattern(pattern) for pattern in written]
    one_by_one = [
        position for position, pattern in enumerate(compiled) if pattern is None or pattern.matches(event)
    ]
    assert PatternIndex(compiled).matching(event, no_check) == one_by_one


BOUNDS = [0, 1, 1.5, 2]


@pytest.mark.parametrize("number", [-1, *BOUNDS, 1.2, 3, True, "1", None, inf, nan], ids=str)
def test_bounds(number: Any) -> None:
    """A number meets the bounds that it reaches and no others, at the bounds as well as between them."""
    written = [
        {"n": [{"numeric": [sign, bound]}]} for sign in ("<", "<=", ">", ">=", "=") for bound in BOUNDS
    ] + [{"n": [{"numeric": [above, 1, below, 2]}]} for above in (">", ">=") for below in ("<", "<=")]
    compiled = [compile_pattern(pattern) for pattern in written]
    matching = [position for position, pattern in enumerate(compiled) if pattern.matches({"n": number})]
    assert PatternIndex(compiled).matching({"n": number}, no_check) == matching


def test_positions_ascend() -> None:
    """Positions ascend, whatever the order in which the patterns were found."""
    other, this = compile_pattern({"a": [2]}), compile_pattern({"a": [1]})
    assert PatternIndex([other, this, *[other] * 6, this, None]).matching({"a": 1}, no_check) == [1, 8, 9]


def test_index_without_patterns() -> None:
    """No patterns, no matches."""
    assert PatternIndex([]).matching({"a": 1}, no_check) == []


def _table(size: int) -> list[dict[str, Any]]:
    """Nine in ten with an exact name, one in ten with a prefix or a wildcard; all share a field."""

    def name(number: int) -> Any:
        if number % 10 < 9:
            return f"image-{number}"
        return {"prefix": f"team-{number}-"} if number % 20 < 10 else {"wildcard": f"*.{number}"}

    return [{"type": ["created"], "name": [name(number)]} for number in range(size)]


def _calls(work: Callable[[], object]) -> int:
    """Count function calls: what time measures, without its noise."""
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_cost_does_not_grow_with_patterns_that_cannot_match() -> None:
    """An event costs no more with a thousand patterns than with ten, as long as the same ones may match."""
    event = {"type": "created", "name": "image-3", "data": {"more": [1, 2, 3]}}
    few = PatternIndex([compile_pattern(pattern) for pattern in _table(10)])
    many = PatternIndex([compile_pattern(pattern) for pattern in _table(1000)])
    assert few.matching(event, no_check) == many.matching(event, no_check) == [3]
    assert _calls(lambda: many.matching(event, no_check)) <= 2 * _calls(lambda: few.matching(event, no_check))


@pytest.mark.parametrize("sign", ["<", ">"])
def test_bounds_that_a_number_does_not_reach_cost_nothing(sign: str) -> None:
    """An event with a number costs what the bounds do that it reaches, and not what others do."""

    def cost(bounds: list[int], number: int) -> int:
        index = PatternIndex([compile_pattern({"n": [{"numeric": [sign, bound]}]}) for bound in bounds])
        assert len(index.matching({"n": number}, no_check)) == 1
        return _calls(lambda: index.matching({"n": number}, no_check))

    nearest = 0 if sign == ">" else 1000
    number = nearest + (1 if sign == ">" else -1)
    assert cost(list(range(0, 1001, 2)), number) <= 1.2 * cost([nearest], number)


def test_a_condition_that_a_large_number_meets_is_not_what_is_looked_up() -> None:
    """A rule with a bound and an exact name is found by the name, though its bound is unlike all others."""
    written = [{"n": [{"numeric": [">", bound]}], "name": [f"image-{bound % 100}"]} for bound in range(1000)]
    index = PatternIndex([compile_pattern(pattern) for pattern in written])
    event = {"n": 10**6, "name": "image-7"}
    assert index.matching(event, no_check) == list(range(7, 1000, 100))
    few = PatternIndex([compile_pattern(pattern) for pattern in written[7::100]])
    assert _calls(lambda: index.matching(event, no_check)) <= 1.2 * _calls(
        lambda: few.matching(event, no_check)
    )


def _arrays(values: list[Any]) -> dict[str, Any]:
    """The same values of a field as one array, nested, and in the elements of another array."""
    half = len(values) // 2
    objects = [{"a": values[:half]}, {}, {"a": [[value] for value in values[half:]]}]
    return {"a": values, "b": {"a": [values[:half], [values[half:]]]}, "c": objects}


@pytest.mark.parametrize("pattern", [{"a": [2]}, {"b": {"a": [2]}}, {"c": {"a": [2]}}], ids=str)
def test_the_first_values_of_a_field_are_looked_at(pattern: dict[str, Any]) -> None:
    """The last value that counts is found and the first beyond is not, wherever arrays end and begin."""
    compiled = compile_pattern(pattern)
    index = PatternIndex([compiled, compile_pattern({"c": {"d": [{"exists": True}]}})])
    for before, found in ((LOOKED_AT_MAX - 1, True), (LOOKED_AT_MAX, False)):
        event = _arrays([1] * before + [2, 3])
        assert compiled.matches(event) is found
        assert (compiled.why_not(event) is None) is found
        assert index.matching(event, no_check) == [0] * found


def test_values_beyond_those_looked_at_cost_nothing() -> None:
    """An event with 200,000 numbers in a field costs what one with as many as are looked at does."""
    index = PatternIndex(
        [compile_pattern({"c": {"a": [{"numeric": [">", bound]}]}}) for bound in range(1, 9)]
    )
    large, small = (_arrays([1] * size) for size in (200_000, 2 * LOOKED_AT_MAX))
    assert _calls(lambda: index.matching(large, no_check)) <= 1.1 * _calls(
        lambda: index.matching(small, no_check)
    )


def test_a_condition_that_has_held_is_not_tried_again() -> None:
    """Rules that match at the first value of an array cost nothing at the others."""
    event = {"a": [1] * LOOKED_AT_MAX}

    def cost(rules: int) -> int:
        index = PatternIndex([compile_pattern({"a": [{"numeric": ["<", 2]}]})] * rules)
        assert index.matching(event, no_check) == [*range(rules)]
        return _calls(lambda: index.matching(event, no_check))

    assert cost(101) - cost(1) < LOOKED_AT_MAX * 2
