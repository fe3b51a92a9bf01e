"""How near the function comes to what its parts cost at the least."""

import json
import subprocess
import sys
from contextlib import ExitStack
from typing import NamedTuple

from tests.bench.function.throughput import SERVED, THREADS
from tests.bench.rig.served import Served, TagApi, function, tag_api, under_load
from tests.bench.rows import Row
from tests.support.paths import ROOT

CALLS = 3
"""That three tags take, one by one."""

HANDLERS = ("function, PUT", "function, batch", "Session", "requests.put")
"""Those of SERVED, in its order."""

FRAMEWORK, BY_PUT, BY_BATCH = "framework alone", "http.client, PUT", "http.client, batch"
API = "tag API, 3 answers"


class Cost(NamedTuple):
    """Of an event: microseconds of processor time, and how many a second."""

    time: float
    rate: float


def limit(rounds: int = 10, seconds: float = 4) -> list[Row]:
    """What an event with three tags costs, beside the least that its parts can cost.

    here: the function, by PUT or by one call for all; a user's handler; and parts
    alone. These are a function that answers 204, a process that makes the calls with
    http.client, both with 8 threads, and the tag API under the same load.
    beside: the limit, which is framework and calls, one after the other. The
    processor time of the API is no part of it.
    """
    with ExitStack() as stack:
        api = stack.enter_context(tag_api())
        sources = (*SERVED, ("tests/bench/baselines/bare.py", ""))
        served: list[Served] = [
            stack.enter_context(function(source, api, WORKERS="1", THREADS=str(THREADS), TAG_FORM=form))
            for source, form in sources
        ]

        def one_round(seconds: float) -> list[Cost]:
            *answered, of_api = [under_load(each, api, 2 * THREADS, seconds) for each in (*served, api)]
            return [
                *(Cost(seen.cpu * 1000, seen.events_a_second) for seen in answered),
                *(_called(api, form, seconds) for form in ("image_tag", "batch")),
                Cost(of_api.cpu * 1000 * CALLS, of_api.events_a_second / CALLS),
            ]

        one_round(seconds / 4)
        rows = zip(*(one_round(seconds) for _ in range(rounds)), strict=True)
        costs = dict(zip((*HANDLERS, FRAMEWORK, BY_PUT, BY_BATCH, API), rows, strict=True))
    calls = dict(zip(HANDLERS, (BY_PUT, BY_BATCH, BY_PUT, BY_PUT), strict=True))
    limits = {name: list(map(_both, costs[FRAMEWORK], costs[by])) for name, by in calls.items()}
    return [
        Row(f"{name}: {what}", unit, [each[of] for each in here], [each[of] for each in limits.get(name, ())])
        for of, what, unit in ((0, "time", "us"), (1, "events", "/s"))
        for name, here in costs.items()
    ]


def _called(api: TagApi, form: str, seconds: float) -> Cost:
    command = [sys.executable, "-m", "tests.bench.rig.calls", *map(str, (api.port, form, THREADS, seconds))]
    found = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    return Cost(found["cpu"] / found["events"] * 1e6, found["events"] / found["seconds"])


def _both(first: Cost, second: Cost) -> Cost:
    """Of a process that does one after the other."""
    return Cost(first.time + second.time, 1 / (1 / first.rate + 1 / second.rate))
