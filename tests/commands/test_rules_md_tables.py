"""The whole tables in the specification do what it says, and its table of limits is the code's."""

import json
import re

import pytest

from handlers.core.image_fields import IMAGE_FIELDS
from handlers.core.ims.limits import LIMITS
from handlers.core.rules.table import RuleTable
from tests.support.pages import RULES, section
from tests.support.pages import table as rows_of
from tests.system.tags.test_lineage import CALLS

TABLES = re.findall(
    r"^```toml\n(\[.*?)^```\n(?:^```csv\n(.*?)^```\n)?(?:^```json\n(.*?)^```$)?",
    RULES,
    re.DOTALL | re.MULTILINE,
)
EXAMPLES = [
    pytest.param(table, csv, *line.rsplit(" -> ", 1), id=f"{table.strip()} {line}")
    for table, csv, lines in TABLES
    for line in lines.splitlines()
]


@pytest.mark.parametrize(("table", "csv", "event", "tags"), EXAMPLES)
def test_example(table: str, csv: str, event: str, tags: str) -> None:
    """The table gives the event the tags of its line, and no others."""
    rules = RuleTable.load(table.encode(), read_file={"costs.csv": csv.encode()}.__getitem__)
    assert dict(rules.tags_for(json.loads(event)).to_write) == json.loads(tags)


def test_every_table_says_what_it_does() -> None:
    """A table comes with at least one event and its tags."""
    assert all(lines for _, _, lines in TABLES)


def test_worked_examples_are_short() -> None:
    """What people ask for takes at most five lines."""
    tables = re.findall(r"^```toml\n(.*?)^```$", section("What people ask for"), re.DOTALL | re.MULTILINE)
    assert len(tables) == 6
    assert all(len(table.splitlines()) <= 5 for table in tables)


def test_limits_are_the_codes() -> None:
    """Every profile is in the table of limits, with its lengths and number of tags."""
    rows = {
        row[0]: row[1:]
        for row in re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \| (\d+) \|$", section("Limits"), re.MULTILINE)
    }
    assert rows.keys() == LIMITS.keys()
    for name, (key, value, tags) in rows.items():
        limits = LIMITS[name]
        assert int(tags) == limits.tags
        assert "as `common`" in key or f"1 to {limits.key_length}" in key
        assert "as `common`" in value or f"up to {limits.value_length}" in value


READS = (
    "nothing mentioned",
    "keep",
    "fill in",
    "ims in a value",
    "parent in a value",
    "parent twice, ims, keep and fill in",
)
"""Of each row of the table of calls, the case that counts them in front of the emulator."""


def test_calls_are_those_that_are_counted() -> None:
    """The table of calls has the numbers of readings that the test of each case sees."""
    rows = [(int(image), int(parent)) for _, image, parent in rows_of("Calls")]
    counted = [CALLS[case][2] for case in READS]
    assert rows == [(read.count("image"), read.count("parent")) for read in counted]


def test_image_names_are_the_codes() -> None:
    """The names under `image.` are exactly those that a rule may use."""
    known = {f"image.{name}" for name in IMAGE_FIELDS if name != "creator"}
    known |= {f"image.creator.{name}" for name in IMAGE_FIELDS["creator"]}
    assert set(re.findall(r"`(image\.[a-z_.]+)`", section("The event that rules see"))) == known
