"""`python -m tests.bench [NAME ...]`: runs benchmarks and prints what they find."""

import argparse
import inspect
import json
import sys
from collections.abc import Callable
from typing import Any

from handlers.commands import prerequisites

with prerequisites("tests/run"):
    from tests.bench.function.batch import batch
    from tests.bench.function.growth import growth
    from tests.bench.function.imports import imports
    from tests.bench.function.limit import limit
    from tests.bench.function.recognition import recognition
    from tests.bench.function.rules import rules
    from tests.bench.function.sizing import sizing
    from tests.bench.function.start import start
    from tests.bench.function.throughput import throughput
    from tests.bench.ledger import ledger
    from tests.bench.rows import Row, as_json, as_table
    from tests.bench.system.backfill import backfill
    from tests.bench.system.bus import bus
    from tests.bench.system.chaos import chaos
    from tests.bench.system.flood import flood
    from tests.bench.system.probe import probe

BENCHMARKS: dict[str, Callable[..., list[Row]]] = {
    "start": start,
    "imports": imports,
    "rules": rules,
    "recognition": recognition,
    "throughput": throughput,
    "limit": limit,
    "growth": growth,
    "batch": batch,
    "sizing": sizing,
    "flood": flood,
    "bus": bus,
    "chaos": chaos,
    "ledger": ledger,
    "backfill": backfill,
    "probe": probe,
}


def _name(text: str) -> str:
    if text not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"there is no {text}; choose of {', '.join(BENCHMARKS)}")
    return text


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Run benchmarks.")
    parser.add_argument("names", nargs="*", type=_name, metavar="NAME", help="which to run; none: all")
    parser.add_argument("--list", action="store_true", help="say what there is and run nothing")
    parser.add_argument(
        "--seed", type=int, help="repeats what chance decides, where it does; none: another one"
    )
    parser.add_argument("--images", type=int, help="how many, where the benchmark can be told so")
    parser.add_argument(
        "--plot", metavar="FILE", help="draw what was found as SVG, where there is a picture of it"
    )
    parser.add_argument("--json", action="store_true", help="print every round's figures as JSON")
    return parser.parse_args()


def _about(name: str) -> str:
    return inspect.getdoc(BENCHMARKS[name]) or ""


def _options(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Those of the command line that a benchmark takes."""
    given = {"seed": arguments.seed, "images": arguments.images, "plot": arguments.plot}
    taken = inspect.signature(BENCHMARKS[name]).parameters
    return {option: value for option, value in given.items() if value is not None and option in taken}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Return the exit status: 1 where a goal is missed that must be met."""
    arguments = _arguments()
    names = arguments.names or list(BENCHMARKS)
    if arguments.list:
        for name in names:
            _say(f"{name:<12} {_about(name).splitlines()[0]}")
        return 0
    found: dict[str, list[Row]] = {}
    for name in names:
        found[name] = BENCHMARKS[name](**_options(name, arguments))
        if not arguments.json:
            _say(f"{name}: {_about(name)}\n\n{as_table(found[name])}\n")
    if arguments.json:
        _say(json.dumps({name: as_json(rows) for name, rows in found.items()}))
    return int(any(row.must and not row.met for rows in found.values() for row in rows))


if __name__ == "__main__":
    sys.exit(main())
