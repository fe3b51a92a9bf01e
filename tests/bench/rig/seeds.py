"""Chance that can be repeated."""

import random
import sys


def seeded(name: str, seed: int | None) -> random.Random:
    """Chance for a benchmark of this name; says on standard error which seed repeats it."""
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    sys.stderr.write(f"{name}: --seed {seed}\n")
    return random.Random(seed)  # noqa: S311 - repeatable, no secret
