"""In which line of a table a key stands."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.core.rules.diagnostics import InvalidTable
from handlers.core.rules.lines import Lines
from handlers.core.rules.table import RuleTable
from tests.support.paths import ROOT

SHIPPED = ROOT / "handlers" / "rules.toml"

TEXT = r"""# a comment with [[rule]] and = in it
limits = "common"  # and another
"a.day" = 1979-05-27 07:32:00.5  # and one more
[lookup.teams.entries]
"jane@example.com" = "web"
'max' = "db"
[[rule]]
name = ~~~
[[rule]]
~~~
when.image . name = [
  "a", # ]
  { prefix = "b" },
]
when."$or" = [ { type = ["x"] },
  { data.y = [1979-05-27 07:32:00, 1.5e3], "q\u0022" = [ [ 1 ], [
     2 ] ] } ]
tags.a = ^^^
tags.b = "" \^^^
[[rule]]^^^^
[rule.tags.b]
value = "x"

[[rule]]
tags = { a = "b",  c = { value = "{{ image.name }}" } }
[outcomes]
"IMG.0035" = "retry"
""".replace("~", "'").replace("^", '"')

STANDS: dict[tuple[str | int, ...], int | None] = {
    ("limits",): 2,
    ("a.day",): 3,
    ("lookup",): 4,
    ("lookup", "teams"): 4,
    ("lookup", "teams", "entries", "jane@example.com"): 5,
    ("lookup", "teams", "entries", "max"): 6,
    ("lookup", "teams", "default"): 4,
    ("rule",): 7,
    ("rule", 0): 7,
    ("rule", 0, "name"): 8,
    ("rule", 0, "when"): 11,
    ("rule", 0, "when", "image", "name"): 11,
    ("rule", 0, "when", "image", "name", 0): 12,
    ("rule", 0, "when", "image", "name", 1): 13,
    ("rule", 0, "when", "image", "name", 1, "prefix"): 13,
    ("rule", 0, "when", "$or", 0, "type"): 15,
    ("rule", 0, "when", "$or", 1, "data", "y", 1): 16,
    ("rule", 0, "when", "$or", 1, 'q"', 1, 0): 17,
    ("rule", 0, "tags", "a"): 18,
    ("rule", 0, "tags", "b"): 21,
    ("rule", 0, "tags", "b", "value"): 22,
    ("rule", 1): 24,
    ("rule", 1, "tags", "c", "value"): 25,
    ("rule", 1, "mode"): 24,
    ("outcomes", "IMG.0035"): 27,
    ("defaults",): None,
    (): None,
}


@pytest.mark.parametrize(("path", "line"), STANDS.items(), ids=map(str, STANDS))
def test_line(path: tuple[str | int, ...], line: int | None) -> None:
    """A key has the line where it stands and, where it does not stand, that of what it would be in."""
    assert tomllib.loads(TEXT)
    assert Lines(TEXT).of(path) == line


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every path to a value that holds no others, and the value."""
    if isinstance(value, dict | list):
        for name, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(below, (*path, name))
    else:
        yield path, value


_gaps = st.sampled_from(["", " ", "\t", "  "])
_ends = st.sampled_from(["\n", "\r\n", " # [a] = {\n", "\n\n# ''' x = 1\n"])
_names = st.sampled_from(["a", "b-1", "1", '"a.b"', "'a b'", '"\\u0061\\""', '"#"', "'['"])
_keys = st.lists(_names, min_size=1, max_size=3).flatmap(
    lambda names: st.tuples(_gaps, _gaps).map(lambda gap: f"{gap[0]}.{gap[1]}".join(names))
)
_texts = st.sampled_from(
    [
        '"]} # x = 1"',
        "'C:\\'",
        '"""a\n[b]\n"" c"""',
        "'''\n\\'''",
        '""',
        "''",
        '""""""',
        '"""\\""""""',
        "true",
    ]
)
_others = st.sampled_from(["1.5", "-1e3", "inf", "1979-05-27 07:32:00.5", "1979-05-27T07:32:00Z", "07:32:00"])


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    breaks = st.sampled_from([", ", ",\n", " ,# ]\n "])
    arrays = st.builds(
        lambda each, gap: f"[{gap.strip(',')}{gap.join(each)}{gap}]",
        st.lists(inner, min_size=1, max_size=3),
        breaks,
    )
    pairs = st.lists(st.builds("{} = {}".format, _names, inner), max_size=2).map(
        lambda each: f"{{ {', '.join(each)} }}"
    )
    return arrays | pairs | st.just("[]")


_values = st.recursive(_texts | _others, _compound, max_leaves=5)
_statements = st.one_of(
    st.builds("{}{}{}={}{}".format, _gaps, _keys, _gaps, _gaps, _values),
    st.builds("[{}{}{}]".format, _gaps, _keys, _gaps),
    st.builds("[[{}{}{}]]".format, _gaps, _keys, _gaps),
)


@given(st.lists(st.tuples(_statements, _ends), max_size=6))
def test_any_toml(statements: list[tuple[str, str]]) -> None:
    """Every key of any TOML has a line of its own statement, where the parser sees the key appear."""
    text = ""
    known = dict[tuple[str | int, ...], Any]()
    for statement, end in statements:
        longer = f"{text}{statement}{end}"
        try:
            found = dict(paths(tomllib.loads(longer)))
        except tomllib.TOMLDecodeError:
            continue  # it does not go with those before
        first = text.count("\n") + 1
        lines = Lines(longer)
        for path in found.keys() - known.keys():
            line = lines.of(path)
            assert line is not None
            assert first <= line <= first + statement.count("\n")
        assert lines.repeated is None
        text, known = longer, found


@given(st.text("ab01[]{}\"'=.,# \n\\"))
def test_any_text(text: str) -> None:
    """What is no TOML is read as far as it goes."""
    assert Lines(text).of(("a",)) in {None, *range(1, text.count("\n") + 2)}


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 100_000, "a." * 100_000 + "a = 1", 'x = "' + "\\\\" * 100_000]
)
def test_hostile_text(text: str) -> None:
    """No text is too deep or too long."""
    assert Lines(text).of(("y",)) is None


def test_a_table_without_faults_pays_nothing() -> None:
    """Neither lines nor explanations are imported to load a sound table."""
    program = (
        "import sys; from handlers.core.rules import RuleTable;"
        f"RuleTable.load(open({str(SHIPPED)!r}, 'rb').read());"
        "print([name for name in sys.modules if name.startswith('handlers.core.rules.')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=SHIPPED.parents[1], capture_output=True, text=True, check=True
    )
    assert "handlers.core.rules.load" in ran.stdout
    assert not [name for name in ("lines", "toml_faults", "slips") if f".rules.{name}'" in ran.stdout]


@given(st.binary(max_size=60).map(lambda noise: SHIPPED.read_bytes()[:400] + noise))
def test_any_damage_is_told(content: bytes) -> None:
    """Whatever is wrong with a table, looking for the line never fails."""
    with suppress(InvalidTable):
        RuleTable.load(content)
