"""What every test has: the parts of the system as fixtures, and properties that repeat."""

from hypothesis import settings

pytest_plugins = [
    "tests.emulator",
    "tests.bus",
    "tests.function",
    "tests.commands",
    "tests.lines",
    "tests.certificates",
    "tests.dead_letter_places",
]

# The same examples in every run: a failure on one machine is a failure on all.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
