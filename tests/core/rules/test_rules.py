"""From an event to its tags: which rule gives which, and who wins where they are in conflict."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.errors import InvalidTag, MissingAttribute, RuleError
from handlers.core.ims.limits import LIMITS, fault_of_key, fault_of_value
from handlers.core.ims.tags import Tag
from handlers.core.rules import RuleTable, TagPlan

Json = dict[str, Any]

EVENT: Json = {
    "specversion": "1.0",
    "id": "1",
    "source": "/factory",
    "type": "com.example.image.created",
    "data": {"team": "Web & Ops", "none": None, "list": ["a"], "object": {"a": 1}, "number": 7},
    "image": {
        "id": "3f7185de-b59a-4bb8-aa1d-7a513528b0e9",
        "name": "prod-web",
        "creator": {"name": "jane@example.com"},
    },
}


def derive(table: str, event: Json = EVENT) -> TagPlan:
    return RuleTable.load(table.encode()).tags_for(event)


def tags(derived: TagPlan) -> dict[str, str]:
    """What is written."""
    return dict(derived.to_write)


def rule(**values: str) -> str:
    """A rule in force that sets tags to literal texts."""
    return "[[rule]]\n" + "".join(f'tags.{key} = "{value}"\n' for key, value in values.items())


def audit(**values: str) -> str:
    return rule(**values) + 'mode = "audit"\n'


DERIVED: dict[str, tuple[str, dict[str, str]]] = {
    "literal text": (rule(env="prod"), {"env": "prod"}),
    "empty text": (rule(env=""), {"env": ""}),
    "an expression": (rule(by="{{ image.creator.name | local_part }}"), {"by": "jane"}),
    "a number": (rule(n="{{ data.number }}"), {"n": "7"}),
    "mended": (rule(team="{{ data.team }}"), {"team": "Web___Ops"}),
    "the long form": ('[[rule]]\ntags.env = { value = "{{ type }}" }', {"env": "com_example_image_created"}),
    "a match": (rule(env="prod") + 'when.image.name = [{ prefix = "prod-" }]', {"env": "prod"}),
    "no match": (rule(env="prod") + 'when.image.name = ["other"]', {}),
    "a match in the data": (rule(a="b") + "when.data.number = [7]", {"a": "b"}),
    "null matches what is missing in no rule": (rule(a="b") + "when.data.nothing = [{ null = true }]", {}),
    "missing": (rule(a="{{ data.nothing }}"), {}),
    "null is missing": (rule(a="{{ data.none }}"), {}),
    "a default": (rule(a="{{ data.nothing | default('x') }}"), {"a": "x"}),
    "one missing, one there": (rule(a="{{ data.nothing }}", b="c"), {"b": "c"}),
    "in table order": (rule(z="1", a="2") + rule(m="3"), {"z": "1", "a": "2", "m": "3"}),
    "the earlier row": (rule(env="first") + rule(env="second"), {"env": "first"}),
    "the earlier row that matches": (
        rule(env="first") + 'when.image.name = ["other"]\n' + rule(env="second"),
        {"env": "second"},
    ),
    "a skipped tag sets nothing": (rule(env="{{ data.nothing }}") + rule(env="second"), {"env": "second"}),
    "another profile": ('limits = "huawei"\n' + rule(v="{{ specversion }}"), {"v": "1.0"}),
    "a lookup": (
        rule(team="{{ image.creator.name | lookup('teams') }}")
        + '[lookup.teams.entries]\n"jane@example.com" = "web"\n',
        {"team": "web"},
    ),
}


@pytest.mark.parametrize(("table", "expected"), DERIVED.values(), ids=DERIVED)
def test_derived_tags(table: str, expected: dict[str, str]) -> None:
    """A table gives an event these tags, in table order."""
    assert list(tags(derive(table)).items()) == list(expected.items())


def test_a_sanitized_tag_has_its_original() -> None:
    """A tag whose value is not as the event had it has the event's, and what IMS would refuse in it."""
    derived = derive(rule(team="{{ data.team }}", name="{{ image.name }}"))
    assert [(each.tag.key, each.original, each.fault) for each in derived.tags] == [
        ("team", "Web & Ops", "the character ' ' is not allowed"),
        ("name", "", ""),
    ]


def test_a_left_out_tag_says_why() -> None:
    """A tag without a value is reported with its rule and the attribute that is missing."""
    (left,) = derive('[[rule]]\nname = "r"\ntags.team = "{{ data.nothing }}"').skipped
    assert (left.key, left.rule) == ("team", "r")
    assert "data.nothing" in left.why


def test_a_rule_without_a_name_is_named_by_its_number() -> None:
    """What is derived names its rule, by its number where it has no name."""
    derived = derive(rule(a="1") + '[[rule]]\nname = "second"\ntags.b = "2"')
    assert [each.rule for each in derived.tags] == ["rule 1", "second"]


# -- "fail" -----------------------------------------------------------------------------------------

FAILS: dict[str, tuple[str, type[RuleError]]] = {
    "missing": ('{ value = "{{ data.nothing }}", on_missing = "fail" }', MissingAttribute),
    "refused character": ('{ value = "{{ data.team }}", on_invalid = "fail" }', InvalidTag),
    "too long": (
        '{ value = "{{ image.id }}{{ image.id }}", on_invalid = "fail" }',
        InvalidTag,
    ),
    "a list": ('"{{ data.list }}"', InvalidTag),
    "an object": ('"{{ data.object }}"', InvalidTag),
    "no time": ('"{{ data.team | date }}"', InvalidTag),
}


@pytest.mark.parametrize(("value", "error"), FAILS.values(), ids=FAILS)
def test_fails(value: str, error: type[RuleError]) -> None:
    """An error of a rule names the rule and the key, and nothing is derived beside it."""
    table = rule(fine="yes") + f'[[rule]]\nname = "strict"\ntags.team = {value}\n'
    with pytest.raises(error) as raised:
        derive(table)
    assert type(raised.value) is error
    assert (raised.value.rule, raised.value.key) == ("strict", "team")
    assert "strict" in str(raised.value)
    assert "team" in str(raised.value)


NO_FAILS: dict[str, tuple[str, dict[str, str]]] = {
    "fine": (
        '{ value = "{{ image.name }}", on_missing = "fail", on_invalid = "fail" }',
        {"team": "prod-web"},
    ),
    "missing, only strict about values": ('{ value = "{{ data.nothing }}", on_invalid = "fail" }', {}),
    "refused, only strict about attributes": (
        '{ value = "{{ data.team }}", on_missing = "fail" }',
        {"team": "Web___Ops"},
    ),
}


@pytest.mark.parametrize(("value", "expected"), NO_FAILS.values(), ids=NO_FAILS)
def test_does_not_fail(value: str, expected: dict[str, str]) -> None:
    """Each of the two is strict about its own case only: what the other would stop is skipped or mended."""
    derived = derive(f"[[rule]]\ntags.team = {value}\n")
    assert tags(derived) == expected
    assert [skipped.key for skipped in derived.skipped] == ([] if expected else ["team"])


def test_what_an_earlier_row_has_set_is_not_tried() -> None:
    """A later row for a key that is set cannot fail."""
    strict = '[[rule]]\ntags.env = { value = "{{ data.nothing }}", on_missing = "fail" }\n'
    assert tags(derive(rule(env="prod") + strict)) == {"env": "prod"}


# -- the budget -------------------------------------------------------------------------------------


def many(count: int, prefix: str = "k") -> dict[str, str]:
    return {f"{prefix}{number}": "v" for number in range(count)}


@pytest.mark.parametrize("name", LIMITS)
def test_the_earliest_tags_stay(name: str) -> None:
    """An image gets as many tags as IMS allows, the earliest, and the rest are reported."""
    room = LIMITS[name].tags
    derived = derive(
        f'limits = "{name}"\n' + rule(**many(room - 1)) + rule(last="v", over="v") + rule(more="v")
    )
    assert list(tags(derived)) == [*many(room - 1), "last"]
    assert [left.key for left in derived.skipped] == ["over", "more"]
    assert f"may have {room} tags" in derived.skipped[0].why


def test_skipped_tags_take_no_room() -> None:
    """A tag that is skipped leaves its place to a later one."""
    table = rule(gone="{{ data.nothing }}") + rule(**many(10))
    assert tags(derive(table)) == many(10)


def test_a_key_that_is_set_takes_room_once() -> None:
    """A row that loses its key costs no place."""
    assert tags(derive(rule(k0="v") + rule(k0="other") + rule(**many(10)))) == many(10)


# -- audit ------------------------------------------------------------------------------------------


def audited(derived: TagPlan) -> dict[str, str]:
    return dict(each.tag for each in derived.tags if each.audit)


AUDIT: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "alone": (audit(a="1"), {}, {"a": "1"}),
    "by default": ('defaults.mode = "audit"\n' + rule(a="1"), {}, {"a": "1"}),
    "a rule in force among them": (
        'defaults.mode = "audit"\n' + rule(a="1") + rule(b="2") + 'mode = "enforce"',
        {"b": "2"},
        {"a": "1"},
    ),
    "before a rule in force": (audit(a="trial") + rule(a="real"), {"a": "real"}, {"a": "trial"}),
    "behind a rule in force": (rule(a="real") + audit(a="trial"), {"a": "real"}, {}),
    "two on trial": (audit(a="1") + audit(a="2"), {}, {"a": "1"}),
    "a full image on trial": (
        audit(**many(10, "t")) + rule(**many(10)),
        many(10),
        many(10, "t"),
    ),
    "behind a full image": (rule(**many(10)) + audit(t="1"), many(10), {}),
    "in what room is left": (rule(**many(9)) + audit(t="1", u="2"), many(9), {"t": "1"}),
}


@pytest.mark.parametrize(("table", "written", "logged"), AUDIT.values(), ids=AUDIT)
def test_audit(table: str, written: dict[str, str], logged: dict[str, str]) -> None:
    """A rule on trial takes neither a key nor room from one in force, and loses to it like any later row."""
    derived = derive(table)
    assert tags(derived) == written
    assert audited(derived) == logged


@pytest.mark.parametrize("option", ["on_missing", "on_invalid"])
def test_audit_ends_no_event(option: str) -> None:
    """A tag of a rule on trial that says "fail" is left out, and those of rules in force are written."""
    value = "{{ data.x }}" if option == "on_missing" else "{{ type }}"
    trial = f'[[rule]]\nmode = "audit"\ntags.t = {{ value = "{value}", {option} = "fail" }}\n'
    derived = derive(trial + rule(env="prod"), {"type": "a type"})
    assert tags(derived) == {"env": "prod"}
    assert [left.key for left in derived.skipped] == ["t"]


# -- tags that an image has already -----------------------------------------------------------------

KEEP = '[[rule]]\ntags.env = { value = "prod", on_existing = "keep" }\n'

BESIDE: dict[str, tuple[str, list[str], dict[str, str], list[str]]] = {
    "nothing there": (KEEP, [], {"env": "prod"}, []),
    "another key there": (KEEP, ["team.web"], {"env": "prod"}, []),
    "kept": (KEEP, ["env.dev"], {}, ["env"]),
    "kept, other form": (KEEP, ["env=dev"], {}, ["env"]),
    "kept, empty": (KEEP, ["env"], {}, ["env"]),
    "the same": (KEEP, ["env.prod"], {}, []),
    "overwritten": (rule(env="prod"), ["env.dev"], {"env": "prod"}, []),
    "the same, not written again": (rule(env="prod"), ["env.prod"], {}, []),
}


@pytest.mark.parametrize(("table", "existing", "written", "kept"), BESIDE.values(), ids=BESIDE)
def test_existing_tags(table: str, existing: list[str], written: dict[str, str], kept: list[str]) -> None:
    """A tag of the image is overwritten, or kept where the rule says so."""
    beside = derive(table).without_existing(existing)
    assert tags(beside) == written
    assert [left.key for left in beside.skipped] == kept


def test_tags_that_are_only_logged_stay_beside_others() -> None:
    """A rule on trial has nothing written, whatever the image has: no tag of it is unchanged or kept."""
    trial = audit(env="prod") + KEEP.replace("env", "team") + 'mode = "audit"\n'
    beside = derive(trial).without_existing(["env.prod", "team.web"])
    assert audited(beside) == {"env": "prod", "team": "prod"}
    assert (beside.to_write, beside.unchanged, beside.skipped) == ([], [], [])


@pytest.mark.parametrize(
    ("table", "depends"),
    [(rule(env="prod"), False), (KEEP, True), (KEEP + 'mode = "audit"', False)],
    ids=["overwrite", "keep", "keep on trial"],
)
def test_what_depends_on_existing_tags(table: str, depends: bool) -> None:
    """Only tags that may be written and must not overwrite make it needful to read those there are."""
    assert derive(table).needs_existing_tags is depends


def test_an_event_that_fills_in_keeps_all() -> None:
    """Whatever the rules say, and says why; equal tags are there already, and a trial stays one."""
    table = rule(env="prod", team="web", new="1", same="1") + KEEP.replace("env", "own") + audit(trial="1")
    filled = derive(table).filling_in()
    assert filled.needs_existing_tags

    beside = filled.without_existing(["env=dev", "team=", "own=mine", "same=1", "trial=0"])

    assert tags(beside) == {"new": "1"}
    assert {left.key: left.why for left in beside.skipped} == {
        "env": "the image has a tag of this key, and the event only fills in",
        "team": "the image has a tag of this key, and the event only fills in",
        "own": "the image has a tag of this key, and the rule keeps it",
    }
    assert [kept.tag.key for kept in beside.unchanged] == ["same"]
    assert audited(beside) == {"trial": "1"}


def test_an_event_that_fills_in_needs_no_reading_for_a_trial() -> None:
    """Nothing is written, so nothing can be overwritten."""
    assert not derive(audit(env="prod")).filling_in().needs_existing_tags


READS: dict[str, tuple[str, set[str]]] = {
    "nothing": (rule(env="{{ image.name }}"), set()),
    "a value": (rule(env="{{ ims.name }}"), {"ims"}),
    "a default": (rule(env="{{ image.name | default(parent.name) }}"), {"parent"}),
    "a trial": (audit(env="{{ ims.name }}"), {"ims"}),
    "a condition": (rule(env="prod") + "when.parent.tags.owner = [{ exists = false }]\n", {"parent"}),
    "an alternative": (
        rule(env="prod") + 'when."$or" = [{ ims.name = ["a"] }, { parent.name = ["a"] }]\n',
        {"ims", "parent"},
    ),
    "names below others": (rule(env="{{ data.ims.parent }}") + 'when.data.parent.ims = ["a"]\n', set()),
}


@pytest.mark.parametrize(("table", "reads"), READS.values(), ids=READS)
def test_what_rules_read(table: str, reads: set[str]) -> None:
    """Each of `ims` and `parent` that a value or a condition begins with."""
    assert RuleTable.load(table.encode()).reads == reads


# -- whatever comes ---------------------------------------------------------------------------------

VALUES = [
    "{{ data }}",
    "{{ data.a }}",
    "{{ data.a ~ '-' ~ image.name | lower }}",
    "{{ data.a | short_hash }}{{ data.a[0] }}",
    "{{ data.a | split('a') | last }}",
    "{{ data.a | date }}",
    "{{ data.b | default(data.a, 'none') | upper }}",
    "{{ image.name | trim | replace('a', ' ') }}",
    "{{ image.creator.name | local_part | slug }}",
    "{{ image.created_at | date }} {{ subject }}",
]
WHENS = [
    "",
    "when.data.a = [{ exists = true }]",
    'when."$or" = [{ data.b = [{ exists = false }] }, { image.name = [{ wildcard = "*a*" }] }]',
]


_text = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["a", "2026-01-05T10:15:30Z", "x@y", "v" * 300]
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
_events = st.fixed_dictionaries(
    {
        "data": _json | st.fixed_dictionaries({}, optional={"a": _json, "b": _json}),
        "image": st.fixed_dictionaries(
            {"id": _text},
            optional={
                "name": _text,
                "created_at": _text,
                "creator": st.fixed_dictionaries({"name": _text}),
            },
        ),
    },
    optional={"subject": _json},
)
_rows = st.builds(
    "[[rule]]\n{}\nmode = '{}'\n"
    "tags.{} = {{ value = \"{}\", on_missing = '{}', on_invalid = '{}' }}\n".format,
    st.sampled_from(WHENS),
    st.sampled_from(["enforce", "audit"]),
    st.sampled_from("abc"),
    st.sampled_from(VALUES),
    st.sampled_from(["skip", "skip", "fail"]),
    st.sampled_from(["fix", "fix", "fail"]),
)


def _derived_or_error(table: RuleTable, event: Json) -> TagPlan | RuleError:
    try:
        return table.tags_for(event)
    except RuleError as error:
        return error


@given(limits=st.sampled_from(list(LIMITS)), rows=st.lists(_rows, min_size=1, max_size=4), event=_events)
def test_any_event(limits: str, rows: list[str], event: Json) -> None:
    """Whatever the event holds, IMS accepts the tags derived from it, or an error names rule and key."""
    table = RuleTable.load(f'limits = "{limits}"\n{"".join(rows)}'.encode())
    derived = _derived_or_error(table, event)
    if isinstance(derived, RuleError):
        assert derived.rule
        assert derived.key
        return
    for each in derived.tags:
        assert isinstance(each.tag, Tag)
        assert fault_of_key(each.tag.key, table.limits) == ""
        assert fault_of_value(each.tag.value, table.limits) == ""
    for keys in ([tag.key for tag in derived.to_write], list(audited(derived))):
        assert len(keys) == len(set(keys)) <= table.limits.tags


@given(
    rows=st.lists(
        st.tuples(
            st.booleans(), st.sets(st.sampled_from([f"k{number}" for number in range(15)]), min_size=1)
        ),
        min_size=1,
        max_size=6,
    )
)
def test_rules_on_trial_change_nothing(rows: list[tuple[bool, set[str]]]) -> None:
    """What is written is what would be written if the rules on trial were not there."""
    texts = [
        (audit if trial else rule)(**dict.fromkeys(sorted(keys), str(number)))
        for number, (trial, keys) in enumerate(rows)
    ]
    in_force = [text for text, (trial, _) in zip(texts, rows, strict=True) if not trial]
    expected = tags(derive("".join(in_force))) if in_force else {}
    assert tags(derive("".join(texts))) == expected


def test_an_event_is_left_alone() -> None:
    """Deriving tags changes nothing of the event."""
    before = json.dumps(EVENT)
    derive(rule(a="{{ data.list | first }}", b="{{ data.team | split(' ') | last }}"))
    assert json.dumps(EVENT) == before
