"""Diagnostics of a rules table: each is found, all at once, and told with its place and what to do."""

import gc

import pytest

from handlers.core.ims.limits import LIMITS
from handlers.core.rules.diagnostics import InvalidTable
from handlers.core.rules.table import RuleTable
from tests.core.rules.conftest import faults

FINE = '[[rule]]\ntags.env = "prod"\n'


SOUND: dict[str, str] = {
    "the smallest": FINE,
    "a comment": "# why\n" + FINE,
    "Windows line ends": FINE.replace("\n", "\r\n"),
    "the same rule twice": FINE + FINE,
    "limits and mode": 'limits = "huawei"\ndefaults.mode = "audit"\n' + FINE,
    "all of a rule": '[[rule]]\nname = "r"\nmode = "audit"\nwhen.type = ["x"]\ntags.env = "prod"\n',
    "an empty name": '[[rule]]\nname = ""\ntags.env = "prod"\n',
    "all of a tag": (
        "[[rule]]\n"
        'tags.env = { value = "x", on_missing = "skip", on_invalid = "fix", on_existing = "overwrite" }\n'
    ),
    "a byte order mark": "\ufeff" + FINE,
    "the other choices": (
        "[[rule]]\n"
        'tags.env = { value = "x", on_missing = "fail", on_invalid = "fail", on_existing = "keep" }\n'
    ),
    "every name of an image": (
        "[[rule]]\n"
        'tags.a = "{{ image.id ~ image.name ~ image.project_id ~ image.region ~ image.created_at }}"\n'
        'tags.b = "{{ image.os_type ~ image.creator.kind ~ image.creator.name }}"\n'
        'tags.c = "{{ image.creator.id ~ image.creator.domain }}"\n'
        "when.image.creator.kind = [{ exists = true }]\n"
    ),
    "names that are not ours": (
        '[[rule]]\ntags.a = "{{ data.image.nme ~ nonsense }}"\nwhen.data.image.nme = [1]\n'
    ),
    "a value of an empty text": '[[rule]]\ntags.env = ""\n',
    "a value with a dot, where IMS allows it": 'limits = "huawei"\n[[rule]]\ntags.v = "1.0"\n',
    "a value that needs no event": "[[rule]]\ntags.v = '{{ \"Prod\" | lower }}-{{ 1 }}'\n",
    "a default, which may never be used": "[[rule]]\ntags.v = '{{ type | default(\"a b\") }}'\n",
    "moved codes": FINE + '[outcomes]\n"IMG.0035" = "retry"\n"apigw.0101" = "dead-letter"\n',
}

KNOWN_TOP = "limits, defaults, rule, lookup, outcomes"
KNOWN_RULE = "name, mode, when, tags"
KNOWN_TAG = "value, on_missing, on_invalid, on_existing"

FAULTY: dict[str, tuple[str | bytes, str]] = {
    # not a table at all
    "not UTF-8": (b"# caf\xe9\n" + FINE.encode(), "it is not UTF-8 text (byte 5); save it as UTF-8"),
    "not TOML": ("[[rule]\n", "it is not TOML: "),
    # the top
    "an unknown name": (
        "region = 1\n" + FINE,
        f'"region" is not known here; known are {KNOWN_TOP}',
    ),
    "a misspelt name": ('limit = "otc"\n' + FINE, '"limit" is not known here; did you mean "limits"?'),
    "rules for rule": (
        FINE + '[[rules]]\ntags.a = "b"\n',
        '"rules" is not known here; did you mean "rule"?',
    ),
    "unknown limits": (
        'limits = "aws"\n' + FINE,
        '"limits" must be one of common, otc, huawei, huawei-cn-new',
    ),
    "limits no text": (
        "limits = 36\n" + FINE,
        '"limits" must be one of common, otc, huawei, huawei-cn-new',
    ),
    "limits a list": (
        'limits = ["common"]\n' + FINE,
        '"limits" must be one of common, otc, huawei, huawei-cn-new',
    ),
    "defaults no table": (
        'defaults = "audit"\n' + FINE,
        '"defaults" must be a table, such as defaults.mode = "audit"',
    ),
    "an unknown default": (
        "defaults.on_missing = 1\n" + FINE,
        'defaults: "on_missing" is not known here; known are mode',
    ),
    "an unknown default mode": (
        'defaults.mode = "dry"\n' + FINE,
        'defaults: "mode" must be one of enforce, audit',
    ),
    "no rule": ("", "it has no rule; add a [[rule]] with tags"),
    "an empty list of rules": ("rule = []", "it has no rule; add a [[rule]] with tags"),
    # a rule
    "no tags": ('[[rule]]\nname = "r"\n', 'rule "r": it sets no tag; add for example tags.env = "prod"'),
    "empty tags": ("[[rule]]\n[rule.tags]\n", 'rule 1: it sets no tag; add for example tags.env = "prod"'),
    "an unknown name in a rule": (
        FINE + "tag = 1\n",
        'rule 1: "tag" is not known here; did you mean "tags"?',
    ),
    "another unknown name in a rule": (
        FINE + "priority = 1\n",
        f'rule 1: "priority" is not known here; known are {KNOWN_RULE}',
    ),
    "the second rule": (FINE + FINE + "tag = 1\n", 'rule 2: "tag" is not known here; did you mean "tags"?'),
    "an unknown mode": (FINE + 'mode = "Audit"\n', 'rule 1: "mode" must be one of enforce, audit'),
    "a mode no text": (FINE + "mode = true\n", 'rule 1: "mode" must be one of enforce, audit'),
    "a name no text": (FINE + "name = 7\n", 'rule 1: "name" must be text in quotes'),
    "a name of two lines": (
        FINE + 'name = "a\\nb"\n',
        "rule 1: its name must be one line of printable text",
    ),
    "a name twice": (
        FINE + 'name = "q"\n' + (FINE + 'name = "r"\n') * 2,
        'rule 3: rule 2 is called "r" too; give one of them another name',
    ),
    # a pattern
    "a member of a text of an image": (
        FINE + 'when.image.name.x = ["x"]\n',
        'rule 1: when: there is no "image.name.x"; known are none',
    ),
    "when no table": (
        FINE + 'when = "always"\n',
        'rule 1: "when" must be a table, such as when.image.name = ["web"]',
    ),
    "tags no table": (
        '[[rule]]\nname = "r"\ntags = { env = "a" }\n[[rule]]\ntags = [{ env = "a" }]\n',
        'rule 2: "tags" must be a table, such as tags.env = "prod"',
    ),
    "an unknown name of an image": (
        FINE + 'when.image.nme = ["x"]\n',
        'rule 1: when: there is no "image.nme"; did you mean "name"?',
    ),
    "an unknown name of a creator": (
        FINE + 'when.image.creator.role = ["x"]\n',
        'rule 1: when: there is no "image.creator.role"; known are kind, name, id, domain, tool',
    ),
    "a quoted path": (
        FINE + 'when."image.name" = ["x"]\n',
        (
            'rule 1: when: "image.name" is one name, and no attribute has a dot in its name; '
            "write image.name, without quotes"
        ),
    ),
    "a quoted path inside $or": (
        FINE + 'when."$or" = [{ type = ["x"] }, { "data.user.name" = ["x"] }]\n',
        (
            'rule 1: when: "data.user.name" is one name, and no attribute has a dot in its name; '
            "write data.user.name, without quotes"
        ),
    ),
    "a name with capitals": (
        FINE + 'when.Source = ["x"]\n',
        (
            'rule 1: when: no attribute of an event is called "Source", for their names are lower-case '
            "letters and digits; did you mean source?"
        ),
    ),
    "a name with an underscore": (
        FINE + 'when.trace_name = ["createImage"]\n',
        (
            'rule 1: when: no attribute of an event is called "trace_name", for their names are lower-case '
            "letters and digits; did you mean data.trace_name?"
        ),
    ),
    "a value of a name with an underscore": (
        '[[rule]]\ntags.v = "{{ project_id | lower }}"\n',
        (
            'rule 1: tag "v": no attribute of an event is called "project_id", for their names are '
            "lower-case letters and digits; did you mean image.project_id?"
        ),
    ),
    "an $or that is none": (
        FINE + 'when."$or" = ["x"]\n',
        (
            'rule 1: when: "$or" takes a list of at least two tables, such as '
            '[{ type = ["a"] }, { source = ["b"] }]'
        ),
    ),
    "an unknown name of an image inside $or": (
        FINE + 'when."$or" = [{ image.nme = ["x"] }, { type = ["x"] }]\n',
        'rule 1: when: there is no "image.nme"; did you mean "name"?',
    ),
    # a tag
    "a key that IMS refuses": (
        '[[rule]]\ntags."a.b" = "x"\n',
        "rule 1: tag \"a.b\": IMS would refuse the key: the character '.' is not allowed",
    ),
    "an empty key": (
        '[[rule]]\ntags."" = "x"\n',
        'rule 1: tag "": IMS would refuse the key: a key is empty',
    ),
    "a long key": (
        f'[[rule]]\ntags.{"k" * 37} = "x"\n',
        f'rule 1: tag "{"k" * 37}": IMS would refuse the key: it has 37 characters, 36 are allowed',
    ),
    "a key with a dot, without quotes": (
        '[[rule]]\ntags.a.b = "x"\n',
        'rule 1: tag "a": it has no value; quote a key with a dot, and name the text `value`',
    ),
    "a tag without a value": (
        '[[rule]]\nname = "r"\ntags.a = { on_missing = "fail" }\n',
        'rule "r": tag "a": it has no value; quote a key with a dot, and name the text `value`',
    ),
    "a value no text": ("[[rule]]\ntags.a = 7\n", 'rule 1: tag "a": "value" must be text in quotes'),
    "a value a date": ("[[rule]]\ntags.a = 2026-01-05\n", 'rule 1: tag "a": "value" must be text in quotes'),
    "a value a list": ('[[rule]]\ntags.a = ["x"]\n', 'rule 1: tag "a": "value" must be text in quotes'),
    "an unknown name in a tag": (
        '[[rule]]\ntags.a = { value = "x", on_mising = "fail" }\n',
        'rule 1: tag "a": "on_mising" is not known here; did you mean "on_missing"?',
    ),
    "another unknown name in a tag": (
        '[[rule]]\ntags.a = { value = "x", z = "fail" }\n',
        f'rule 1: tag "a": "z" is not known here; known are {KNOWN_TAG}',
    ),
    "an unknown on_missing": (
        '[[rule]]\ntags.a = { value = "x", on_missing = "ignore" }\n',
        'rule 1: tag "a": "on_missing" must be one of skip, fail',
    ),
    "an unknown on_invalid": (
        '[[rule]]\ntags.a = { value = "x", on_invalid = "skip" }\n',
        'rule 1: tag "a": "on_invalid" must be one of fix, fail',
    ),
    "an unknown on_existing": (
        '[[rule]]\ntags.a = { value = "x", on_existing = true }\n',
        'rule 1: tag "a": "on_existing" must be one of overwrite, keep',
    ),
    "a literal value that IMS refuses": (
        '[[rule]]\ntags.v = "1.0"\n',
        "rule 1: tag \"v\": IMS would refuse the value: the character '.' is not allowed",
    ),
    "a literal value that is too long": (
        f'[[rule]]\ntags.v = "{"x" * 44}"\n',
        'rule 1: tag "v": IMS would refuse the value: it has 44 characters, 43 are allowed',
    ),
    "a value that is none": (
        '[[rule]]\ntags.v = "{{ data.a | nosuch }}"\n',
        'rule 1: tag "v": there is no filter nosuch; use one of ',
    ),
    "a value that is broken": (
        '[[rule]]\ntags.v = "{{ data.a"\n',
        'rule 1: tag "v": mend line 1 of the value, Jinja2 says: ',
    ),
    "a value of an unknown name of an image": (
        '[[rule]]\ntags.v = "{{ image.creator.nme }}"\n',
        'rule 1: tag "v": there is no "image.creator.nme"; did you mean "name"?',
    ),
    "the same behind a filter": (
        "[[rule]]\ntags.v = \"{{ data.a | default(image['nme']) }}\"\n",
        'rule 1: tag "v": there is no "image.nme"; did you mean "name"?',
    ),
    "an element of an image": (
        '[[rule]]\ntags.v = "{{ image[0] }}"\n',
        'rule 1: tag "v": there is no "image.0"; known are id, name, project_id, region, ',
    ),
    "a member of a text": (
        '[[rule]]\ntags.v = "{{ image.name.x }}"\n',
        'rule 1: tag "v": there is no "image.name.x"; known are none',
    ),
    "an object for text": (
        '[[rule]]\ntags.v = "{{ image.creator }}"\n',
        'rule 1: tag "v": image.creator is an object and not text; name one of its members',
    ),
    "all that is known of an image": (
        '[[rule]]\ntags.v = "{{ ims.tags }}"\n',
        'rule 1: tag "v": ims.tags is an object and not text; name one of its members',
    ),
    "a placeholder of a shell": (
        '[[rule]]\ntags.v = "by ${image.creator.name}"\n',
        'rule 1: tag "v": ${image.creator.name} is not an expression; write {{ image.creator.name }}',
    ),
    "a value that needs no event, and is refused": (
        "[[rule]]\ntags.v = '{{ \"pr d!\" }}'\n",
        "rule 1: tag \"v\": IMS would refuse the value: the character ' ' is not allowed",
    ),
    "the same behind filters": (
        '[[rule]]\ntags.v = \'{{ "a/b c" | split("/") | last ~ "!" }}\'\n',
        "rule 1: tag \"v\": IMS would refuse the value: the character ' ' is not allowed",
    ),
    "a value that needs no event, and is no text": (
        '[[rule]]\ntags.v = \'{{ "a" | split("/") }}\'\n',
        'rule 1: tag "v": the value works out for no event: ',
    ),
    "a value that needs no event, and is missing": (
        '[[rule]]\ntags.v = \'{{ ("a" | split("/"))[1] }}\'\n',
        'rule 1: tag "v": the value works out for no event: ',
    ),
    "an unknown lookup": (
        "[[rule]]\ntags.v = \"{{ type | lookup('temas') }}\"\n[lookup.teams.entries]\na = 'b'\n",
        'rule 1: tag "v": there is no [lookup.temas]; did you mean "teams"?',
    ),
    # moved codes
    "no code": (
        FINE + '[outcomes]\nInvalidEvent = "retry"\n',
        'outcomes: "InvalidEvent" is no code of the tag API; quote one, such as "IMG.0035"',
    ),
    "an unknown outcome": (
        FINE + '[outcomes]\n"IMG.0035" = "ignore"\n',
        'outcomes: "IMG.0035" must be one of retry, dead-letter',
    ),
}


@pytest.mark.parametrize("table", SOUND.values(), ids=SOUND)
def test_sound_tables(table: str) -> None:
    """These have no fault."""
    assert faults(table) == []


@pytest.mark.parametrize("name", LIMITS)
def test_sound_limits(name: str) -> None:
    """Every profile of limits can be named, and is the one that counts."""
    assert RuleTable.load(f'limits = "{name}"\n{FINE}'.encode()).limits is LIMITS[name]


@pytest.mark.parametrize(("table", "fault"), FAULTY.values(), ids=FAULTY)
def test_faulty_tables(table: str | bytes, fault: str) -> None:
    """Each of these has one fault, which is told with its rule and key, and how to mend it."""
    (found,) = faults(table)
    assert found == fault or (fault.endswith(" ") and found.startswith(fault))


# Where a list of rules is something else, not finding rules or tags in it is told as well.
NO_RULES = {
    "rule = 5": '"rule" must be an array of tables, [[rule]]',
    "rule.tags.a = 'b'": '"rule" must be an array of tables, [[rule]]',
    "rule = [1]": "rule 1: a rule is a table; write [[rule]]",
    "rule = [['x']]": "rule 1: a rule is a table; write [[rule]]",
}


@pytest.mark.parametrize(("table", "fault"), NO_RULES.items(), ids=NO_RULES)
def test_no_rules(table: str, fault: str) -> None:
    """What stands in place of rules is told first."""
    assert faults(table)[0] == fault


PATTERNS = [
    "when = {}",
    "when.type = 'x'",
    "when.type = []",
    "when.type = [{ prefx = 'x' }]",
    "when.type = [2026-01-05]",
    "when.type = [nan]",
    "when.type = [inf]",
    "when.type = [{ cidr = '10.0.0.0/99' }]",
    'when."$or" = []',
    f"when.{'.'.join('a' * 5000)} = ['x']",
]


@pytest.mark.parametrize("pattern", PATTERNS, ids=[pattern[:40] for pattern in PATTERNS])
def test_faulty_patterns(pattern: str) -> None:
    """What is wrong with a pattern is told with its rule."""
    (found,) = faults(f'[[rule]]\nname = "r"\ntags.a = "b"\n{pattern}\n')
    assert found.startswith('rule "r": when: ')


def test_all_faults_at_once() -> None:
    """One look at the message mends the whole table."""
    table = """
        limits = "aws"
        defaults.mode = "dry"
        surplus = 1
        [[rule]]
        name = "first"
        tags.a = "{{ image.nme }}"
        tags."b c" = { value = 5, on_missing = "x" }
        [[rule]]
        when.type = "x"
        mode = 3
        [outcomes]
        x = "retry"
    """
    places = ["", "", "defaults", 'rule "first"', 'rule "first"', 'rule "first"', 'rule "first"']
    places += ["rule 2", "rule 2", "rule 2", "outcomes"]
    found = faults(table)
    assert len(found) == len(places)
    assert all(any(fault.startswith(place) for fault in found) for place in places)
    for place in ("defaults", 'rule "first"', "rule 2", "outcomes"):
        assert sum(fault.startswith(f"{place}: ") for fault in found) == places.count(place)


def test_every_fault_names_file_and_line() -> None:
    """A fault can be found in the file and the line that it names, wherever it is printed."""
    with pytest.raises(InvalidTable) as raised:
        RuleTable.load(b"surplus = 1\n\n[[rule]]\ntag = 1\n", "deploy/rules.toml")
    places = [fault.place_with_line for fault in raised.value.faults]
    assert places == ["deploy/rules.toml:1", "deploy/rules.toml:3: rule 1", "deploy/rules.toml:4: rule 1"]
    shown = str(raised.value).splitlines()
    assert all(line.startswith(f"{place}: ") for line, place in zip(shown, places, strict=True))


@pytest.mark.parametrize(
    "table",
    ["x = " + "[" * 5000, "x = " + "{a=" * 5000, "rule = [[[[1]]]]"],
    ids=["deep lists", "deep tables", "rules in lists"],
)
def test_hostile_tables(table: str) -> None:
    """What TOML allows or Python can hardly read is a fault, not a crash."""
    assert faults(table)


def test_a_number_of_many_digits() -> None:
    """A whole number that is longer than Python reads is a fault, not a crash."""
    (found,) = faults(f"x = {'1' * 5000}")
    assert found == "it is not TOML that can be read: a number has too many digits"


@pytest.mark.parametrize("table", [FINE, "surplus = 1", "not TOML"])
def test_garbage_collection_goes_on(table: str) -> None:
    """It pauses while a table is loaded, and is as it was afterwards."""
    assert gc.isenabled()
    faults(table)
    assert gc.isenabled()
    gc.disable()
    try:
        faults(table)
        assert not gc.isenabled()
    finally:
        gc.enable()
