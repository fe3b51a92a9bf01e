"""The benchmarks run. What they measure is no matter of tests."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.rows import Row, as_json, as_table
from tests.bench.rules import rules
from tests.bench.start import start

ROOT = Path(__file__).parent.parent


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_list() -> None:
    """`--list` names every benchmark with a sentence, and runs none."""
    assert [line.split()[0] for line in bench("--list").stdout.splitlines()] == ["start", "rules"]


def test_unknown_name() -> None:
    """A name that there is not is answered with those that there are."""
    answer = bench("strat")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "there is no strat; choose of start, rules" in answer.stderr


def test_start() -> None:
    """`start` finds times and memory of both functions."""
    rows = start(rounds=1)
    assert [row.unit for row in rows] == ["ms", "ms", "MiB", "MiB"]
    assert all(len(row.here) == len(row.beside) == 1 and min(*row.here, *row.beside) > 0 for row in rows)


def test_rules() -> None:
    """`rules` finds what an event costs, beside 10 rules and beside a call, and what loading costs."""
    rows = rules(rounds=1, sizes=(10, 1_000))
    assert [(len(row.here), len(row.beside)) for row in rows] == [(1, 1), (1, 1), (1, 0), (1, 0)]


@pytest.mark.parametrize(
    ("row", "met", "line"),
    [
        pytest.param(
            Row("a start", "ms", [110, 100, 130], [100, 100, 100], goal=1.1),
            True,
            "a start 110 ms 100 ms 1.10 (1.00-1.30) 1.10 met",
            id="goal of a ratio",
        ),
        pytest.param(
            Row("a load", "ms", [1400], goal=500),
            False,
            "a load 1,400 ms 500 ms MISSED",
            id="goal of a figure",
        ),
        pytest.param(
            Row("a size", "MiB", [4.25], [5]), None, "a size 4.25 MiB 5 MiB 0.85 (0.85-0.85)", id="none"
        ),
    ],
)
def test_row(row: Row, met: bool | None, line: str) -> None:
    """A row shows medians, the spread of the ratios round by round, and the goal with its verdict."""
    assert re.sub(" +", " ", as_table([row]).splitlines()[1]) == line
    assert as_json([row])[0]["met"] is met
