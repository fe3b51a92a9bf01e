"""The fuzzing of the HTTP entry runs and finds nothing. Its long run is `python -m tests.fuzz`."""

import re
import subprocess
import sys

from tests.fuzz.mutations import Mutations
from tests.support.paths import ROOT


def fuzz(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_nothing_is_found() -> None:
    """Some mutated requests find no 5xx, no exception, no echo and nothing slow; the figures are told."""
    ran = fuzz("--requests", "500", "--seed", "7")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("seed 7: 500 requests in ")
    assert ran.stdout.endswith("nothing found\n")
    replies = {status: int(count) for count, status in re.findall(r"(\d+) x (\d+)", ran.stdout)}
    assert sum(replies.values()) == 500
    assert replies["204"] > 50
    assert replies["400"] > 50


def test_a_seed_is_repeatable() -> None:
    """What one run found, another finds: the same seed makes the same requests, another seed others."""
    first, same, other = (Mutations(seed) for seed in (5, 5, 6))

    sent = [first.next() for _ in range(300)]

    assert sent == [same.next() for _ in range(300)]
    assert sent != [other.next() for _ in range(300)]
