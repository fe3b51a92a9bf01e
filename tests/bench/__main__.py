"""`python -m tests.bench [NAME ...]`: runs benchmarks and prints what they find."""

import argparse
import inspect
import json
import sys
from collections.abc import Callable, Iterator

from tests.bench.rows import Row, as_json, as_table
from tests.bench.rules import rules
from tests.bench.start import start

BENCHMARKS: dict[str, Callable[[], list[Row]]] = {"start": start, "rules": rules}


def _name(text: str) -> str:
    if text not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"there is no {text}; choose of {', '.join(BENCHMARKS)}")
    return text


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Run benchmarks.")
    parser.add_argument("names", nargs="*", type=_name, metavar="NAME", help="which to run; none: all")
    parser.add_argument("--list", action="store_true", help="say what there is and run nothing")
    parser.add_argument("--json", action="store_true", help="print every round's figures as JSON")
    return parser.parse_args()


def _texts(arguments: argparse.Namespace) -> Iterator[str]:
    names = arguments.names or list(BENCHMARKS)
    if arguments.list:
        yield from (f"{name:<8} {_about(name).splitlines()[0]}" for name in names)
    elif arguments.json:
        yield json.dumps({name: as_json(BENCHMARKS[name]()) for name in names})
    else:
        yield from (f"{name}: {_about(name)}\n\n{as_table(BENCHMARKS[name]())}\n" for name in names)


def _about(name: str) -> str:
    return inspect.getdoc(BENCHMARKS[name]) or ""


if __name__ == "__main__":
    for text in _texts(_arguments()):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
