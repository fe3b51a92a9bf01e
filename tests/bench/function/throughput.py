"""How many events a second one process handles, and where its processor time goes."""

import time
from contextlib import ExitStack, redirect_stdout
from functools import partial
from tempfile import TemporaryFile
from typing import Any

from handlers.core.ims.tags import WriteResult
from handlers.delivery import Deliveries
from handlers.edges.cloudevents import HttpMessage, events_in
from handlers.edges.log import log_to_stdout
from handlers.edges.rules_file import RulesFile
from handlers.edges.settings import signals
from handlers.image_created import Services
from tests.bench.rig.served import EVENT, function, tag_api, under_load
from tests.bench.rows import Row
from tests.support.paths import ROOT

SERVED = (
    ("main.py", "image_tag"),
    ("main.py", "batch"),
    ("tests/bench/baselines/session.py", ""),
    ("tests/bench/baselines/put.py", ""),
)
"""Sources, and how ours writes the tags."""

THREADS = 8


def throughput(rounds: int = 10, seconds: float = 4, own_times: int = 500) -> list[Row]:
    """How many events a second one process handles, three tags an event.

    here: the function with the shipped table, by PUT or by one call for all tags.
    beside: the handler that a user writes in an afternoon, with a requests.Session
    for all calls or requests.put for each. 8 threads, 16 connections, an API that
    answers at once.
    Outside HTTP: from the body of an event to its log line without the calls, alone
    in a process. beside: all of an event, where events come one after the other.
    """
    with ExitStack() as stack:
        api = stack.enter_context(tag_api())
        served = [
            stack.enter_context(function(source, api, WORKERS="1", THREADS=str(THREADS), TAG_FORM=tag_form))
            for source, tag_form in SERVED
        ]
        load = partial(under_load, api=api, connections=2 * THREADS)
        for each in served:
            load(each, seconds=seconds / 4)
        seen = [[load(each, seconds=seconds) for each in served] for _ in range(rounds)]
        alone = [under_load(served[0], api, 1, seconds / 2).cpu for _ in range(rounds)]
        own = [_own_milliseconds(own_times) for _ in range(rounds)]
    here, batch, session, put = zip(*seen, strict=True)
    rates = [[each.events_a_second for each in side] for side in (here, batch, session, put)]
    cpus = [[each.cpu for each in side] for side in (here, batch, session, put)]
    return [
        Row("events a second / session", "", rates[0], rates[2], goal=1.5, least=True),
        Row("events a second / put", "", rates[0], rates[3], goal=2, least=True),
        Row("one call for all / session", "", rates[1], rates[2]),
        Row("one call for all / put", "", rates[1], rates[3], goal=3, least=True),
        Row("processor time / session", "ms", cpus[0], cpus[2]),
        Row("processor time / put", "ms", cpus[0], cpus[3]),
        Row("one call, processor / put", "ms", cpus[1], cpus[3]),
        Row("outside HTTP / an event alone", "ms", own, alone, goal=0.15),
        Row("of a core: the tag API", "%", [each.api for each in here]),
        Row("of a core: the load", "%", [each.load for each in here]),
    ]


def _own_milliseconds(times: int) -> float:
    """The processor time that recognising an event, deriving its tags and logging take."""
    body = EVENT.read_bytes()
    log = log_to_stdout("info")
    services = Services(
        signals=signals({}),
        rules=RulesFile(ROOT / "handlers/rules.toml", log),
        projects=(),
        not_ready_window=1800,
        job=_no_call,
        image=_no_call,
        add_tags=lambda *_: WriteResult([], ["4a1de8f29c0b4a53a1a55f1f5b7f4c03"]),
    )
    deliveries = Deliveries(log, None, event_timeout=20, log_tag_values=True)
    with TemporaryFile("w", encoding="utf-8") as output, redirect_stdout(output):
        began = time.thread_time()
        for _ in range(times):
            events = events_in(HttpMessage({}, body))
            outcome = deliveries.handle(events, services, time.monotonic() + 20).outcome
        took = time.thread_time() - began
    if outcome.kind != "tagged":
        raise RuntimeError(outcome)
    return took / times * 1000


def _no_call(*_: object) -> Any:
    raise RuntimeError("this event needs no other call")
