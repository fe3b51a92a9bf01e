"""`schema`: what editors are told of a rules table."""

import tomllib

import pytest
from jsonschema import Draft202012Validator

from handlers.commands.schema import rules_schema
from handlers.core.patterns.operators import OPERATORS
from handlers.core.rules.diagnostics import InvalidTable
from handlers.core.rules.table import RuleTable
from tests.processes.commands import Commands
from tests.support.paths import ROOT

HANDLERS = ROOT / "handlers"
SCHEMA = rules_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def refused(table: str) -> bool:
    """Whether the code refuses a table."""
    try:
        RuleTable.load(table.encode(), read_file=lambda _: b"key,value\n")
    except InvalidTable:
        return True
    return False


def test_it_is_a_schema() -> None:
    """It is a schema of draft 2020-12 itself."""
    Draft202012Validator.check_schema(SCHEMA)


def test_the_file_in_the_repository(commands: Commands) -> None:
    """What the command prints is checked in, and the shipped table names it to editors."""
    ran = commands("schema")
    assert ran.code == 0
    assert ran.out == (HANDLERS / "rules.schema.json").read_text(encoding="utf-8")
    assert ran.json == commands("schema", "--json").json == SCHEMA
    first = (HANDLERS / "rules.toml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "#:schema rules.schema.json"


def test_every_operator_is_in_it() -> None:
    """The schema and the code name the same operators."""
    assert list(SCHEMA["$defs"]["operator"]["properties"]) == list(OPERATORS)


RIGHT = {
    "the shipped table": (HANDLERS / "rules.toml").read_text(encoding="utf-8"),
    "everything": """
        limits = "huawei-cn-new"
        defaults.mode = "audit"
        [outcomes]
        "IMG.0035" = "dead-letter"
        [lookup.teams]
        entries = { alice = "platform" }
        default = "none"
        [lookup.centres]
        file = "centres.csv"
        key = "key"
        value = "value"
        [[rule]]
        name = "operators"
        mode = "enforce"
        when.source = ["a", 1, 1.5, true]
        when.image.name = [{ prefix = "a" }, { suffix = { equals-ignore-case = "b" } }, { wildcard = "a*" }]
        when.image.creator.kind = [{ exists = false }, { equals-ignore-case = "USER" }]
        when.data.size = [{ numeric = ["=", 1] }, { numeric = [">", 0, "<=", 5] }]
        when.data.ip = [{ cidr = "10.0.0.0/8" }, { null = true }]
        when.data.a = [{ anything-but = "a" }, { anything-but = [1, 2] }]
        when.data.b = [{ anything-but = { prefix = ["a"] } }]
        when.image."$or" = [{ name = ["a"] }, { region = ["b"], creator.name = ["c"] }]
        when."$or" = [{ image.id = ["a"] }, { data.x = ["b"], "$or" = [{ a = ["1"] }, { b = ["1"] }] }]
        tags."镜像 1" = "生产 v1.0/x"
        tags.team = { value = "{{ image.creator.name | lookup('teams') }} and more", on_missing = "fail" }
        tags.kept = { value = "x", on_invalid = "fail", on_existing = "keep" }
        """,
    "limits named as the default": 'limits = "common"\n[[rule]]\ntags.a = "b"',
    "other limits": 'limits = "huawei"\n[[rule]]\ntags.a = "1.0"',
}


@pytest.mark.parametrize("table", RIGHT.values(), ids=RIGHT)
def test_right_tables(table: str) -> None:
    """A table that the code takes is valid."""
    assert not refused(table)
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(table))] == []


WRONG = {
    "empty": "",
    "no rule": "rule = []",
    "an unknown name": "rulez = 1\n[[rule]]\ntags.a = 'b'",
    "unknown limits": "limits = 'x'\n[[rule]]\ntags.a = 'b'",
    "an unknown mode": "[[rule]]\nmode = 'x'\ntags.a = 'b'",
    "an unknown default": "defaults.x = 'y'\n[[rule]]\ntags.a = 'b'",
    "one rule that is no array": "[rule]\ntags.a = 'b'",
    "no tags": "[[rule]]\nname = 'a'",
    "empty tags": "[[rule]]\ntags = {}",
    "an unknown name in a rule": "[[rule]]\nwhem.source = ['x']\ntags.a = 'b'",
    "a value that is no text": "[[rule]]\ntags.a = 1",
    "a tag without a value": "[[rule]]\ntags.a = { on_missing = 'fail' }",
    "an unknown choice": "[[rule]]\ntags.a = { value = 'b', on_missing = 'fix' }",
    "a key that IMS refuses": "[[rule]]\ntags.'a b' = 'b'",
    "a key that is too long": f"[[rule]]\ntags.{'a' * 37} = 'b'",
    "a value that IMS refuses": "[[rule]]\ntags.a = 'b c'",
    "a refused value in a table": "[[rule]]\ntags.a = { value = 'b c' }",
    "a value that other limits refuse": "limits = 'otc'\n[[rule]]\ntags.a = '1.0'",
    "a value that is no list": "[[rule]]\nwhen.source = 'x'\ntags.a = 'b'",
    "an empty list": "[[rule]]\nwhen.source = []\ntags.a = 'b'",
    "an empty pattern": "[[rule]]\nwhen = {}\ntags.a = 'b'",
    "an unknown operator": "[[rule]]\nwhen.source = [{ perfix = 'x' }]\ntags.a = 'b'",
    "two operators": "[[rule]]\nwhen.source = [{ prefix = 'x', suffix = 'y' }]\ntags.a = 'b'",
    "an operand of another kind": "[[rule]]\nwhen.source = [{ prefix = 1 }]\ntags.a = 'b'",
    "an unknown sign": "[[rule]]\nwhen.data.n = [{ numeric = ['!', 1] }]\ntags.a = 'b'",
    "mixed kinds": "[[rule]]\nwhen.data.n = [{ anything-but = [1, 'a'] }]\ntags.a = 'b'",
    "an unknown name of the image": "[[rule]]\nwhen.image.nmae = ['x']\ntags.a = 'b'",
    "an unknown name of the creator": "[[rule]]\nwhen.image.creator.nmae = ['x']\ntags.a = 'b'",
    "an unknown name in $or": "[[rule]]\nwhen.'$or' = [{ image.x = ['x'] }, { a = ['b'] }]\ntags.a = 'b'",
    "an $or of one": "[[rule]]\nwhen.'$or' = [{ source = ['x'] }]\ntags.a = 'b'",
    "a lookup of two kinds": "[lookup.a]\nentries = {}\nfile = 'x'\n[[rule]]\ntags.a = 'b'",
    "a lookup of no kind": "[lookup.a]\ndefault = 'x'\n[[rule]]\ntags.a = 'b'",
    "an entry that is no text": "[lookup.a]\nentries = { a = 1 }\n[[rule]]\ntags.a = 'b'",
    "an unknown outcome": "[outcomes]\n'IMG.0035' = 'ignore'\n[[rule]]\ntags.a = 'b'",
    "no code": "[outcomes]\n'IMG-35' = 'retry'\n[[rule]]\ntags.a = 'b'",
}


@pytest.mark.parametrize("table", WRONG.values(), ids=WRONG)
def test_wrong_tables(table: str) -> None:
    """A table with a fault that an editor can see is not valid, and the code refuses it too."""
    assert refused(table)
    assert not VALIDATOR.is_valid(tomllib.loads(table))
