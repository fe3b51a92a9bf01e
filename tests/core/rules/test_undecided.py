"""Which tags the rules cannot decide where not everything is known of an image."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from handlers.core.rules import RuleTable
from handlers.core.rules.undecided import Unknowns

KEYS = ("a", "b", "c")
CONDITIONS = (
    "",
    "when.image.name = ['web']",
    "when.image.name = ['other']",
    "when.image.creator.name = ['ada']",
    "when.image.creator.name = [{ exists = false }]",
    "when.image.name = ['web']\nwhen.image.creator.name = [{ anything-but = ['ada'] }]",
    "when.'$or' = [{ image.creator.name = ['bob'] }, { image.name = ['web'] }]",
    "when.'$or' = [{ image.creator.name = ['bob'] }, { image.name = ['other'] }]",
)
VALUES = (
    "fixed",
    "{{ image.name }}",
    "{{ image.creator.name }}",
    "{{ image.creator.name | default('nobody') }}",
    "{{ image.os_type }}",
)
RULES = st.lists(
    st.tuples(
        st.sampled_from(CONDITIONS),
        st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), min_size=1),
        st.sampled_from(("enforce", "audit")),
    ),
    min_size=1,
    max_size=4,
)


def table(rules: list[tuple[str, dict[str, str], str]]) -> RuleTable:
    texts = [
        "\n".join(
            [
                "[[rule]]",
                f'mode = "{mode}"',
                when,
                *(f'tags.{key} = "{value}"' for key, value in tags.items()),
            ]
        )
        for when, tags, mode in rules
    ]
    return RuleTable.load("\n".join(texts).encode())


def tags(rules: RuleTable, event: dict[str, Any]) -> dict[str, str]:
    return {each.tag.key: each.tag.value for each in rules.tags_for(event).tags if not each.audit}


def without_creator(path: Any) -> bool:
    return tuple(path[:2]) != ("image", "creator")


@given(rules=RULES, creator=st.sampled_from([None, "ada", "bob"]))
def test_what_is_decided_stays(rules: list[tuple[str, dict[str, str], str]], creator: str | None) -> None:
    """Whoever the creator turns out to be, keys that are not open and exact values stay."""
    loaded = table(rules)
    bare = {"image": {"name": "web"}}
    undecided = Unknowns(loaded, without_creator).in_plan(bare, loaded.tags_for(bare))
    guessed = tags(loaded, bare)
    known = {"image": {"name": "web"} | ({"creator": {"name": creator}} if creator else {})}
    right = tags(loaded, known)
    for key in set(KEYS) - undecided.open:
        assert (key in guessed) == (key in right)
        if key not in undecided.inexact:
            assert guessed.get(key) == right.get(key)


@given(rules=RULES)
def test_all_is_known(rules: list[tuple[str, dict[str, str], str]]) -> None:
    """Where everything is known, everything is decided."""
    loaded = table(rules)
    event = {"image": {"name": "web", "creator": {"name": "ada"}}}
    undecided = Unknowns(loaded, lambda _: True).in_plan(event, loaded.tags_for(event))
    assert undecided == (frozenset(), frozenset())
