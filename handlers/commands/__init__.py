"""The operator's commands: `python main.py check | explain | test | schema | send | images | probe |
dead-letters`.

This module names the remedy where Python is too old or a package is missing. So it keeps, as `main.py` does,
to what Python 3.8 can parse, and to the standard library.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["main", "prerequisites"]

PYTHON = (3, 11)
ROOT = Path(__file__).parent.parent.parent
OURS = {"deploy", "handlers", "tests"}


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs one command and gives its exit code. Raises SystemExit for --help and for wrong usage."""
    with prerequisites("deploy/local/up --once", "requirements.txt"):
        from handlers.commands.command_line import run  # noqa: PLC0415 - what it needs may be missing

        return run(arguments, environ)


@contextmanager
def prerequisites(maker: str, lock: str | None = None) -> Iterator[None]:
    """Ends the process with one sentence where Python is too old, or a package is missing within.

    maker: the command that makes the environment. lock: what pip can install instead.
    """
    if sys.version_info < PYTHON:
        version = ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"error: this is Python {version}, and 3.11 or newer is needed; {remedy(maker)}")
    try:
        yield
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package in OURS:
            raise  # a fault of this code
        sys.exit(f"error: the package {package} is missing; {remedy(maker, lock)}")


def remedy(maker: str, lock: str | None = None, root: Path = ROOT) -> str:
    """What to do about it. root: the folder of the checkout."""
    activate = root / ".venv" / "bin" / "activate"
    if activate.exists() and Path(sys.prefix) != root / ".venv":
        return f"activate the environment with `. {activate}`"
    own = f"; or install into your own with `pip install --require-hashes -r {lock}`" if lock else ""
    return f"make the environment with `{maker}` and activate it with `. .venv/bin/activate`{own}"
