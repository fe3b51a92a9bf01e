"""What every test has: the parts of the system as fixtures, and properties that repeat."""

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
    "tests.support.refused_start",
]

# The same examples in every run: a failure on one machine is a failure on all.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
