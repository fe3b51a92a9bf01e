"""What every test has: the parts of the system as fixtures, and properties that repeat."""

import gc

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.processes.emulator",
    "tests.processes.bus",
    "tests.processes.function",
    "tests.processes.commands",
    "tests.processes.local_stack",
    "tests.support.log",
    "tests.support.certificates",
    "tests.support.dead_letter_places",
]

# The same examples in every run: a failure on one machine is a failure on all.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")

LONGEST_FIRST = ("tests/deploy/", "tests/system/", "tests/commands/", "tests/edges/")
"""Whose files take long, so that at the end of a run no worker has a long one left while the others idle."""

# Thousands of tests are made and stay: looking for garbage among them is a third of the collection.
gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Orders the folders; what is in a folder stays in its order."""

    def rank(item: pytest.Item) -> int:
        return next((rank for rank, it in enumerate(LONGEST_FIRST) if item.nodeid.startswith(it)), 9)

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
