"""What recognising an event costs."""

import gc
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from timeit import timeit

import requests

from handlers.core.events import recognise
from handlers.core.received import Received
from handlers.edges.cloudevents import HttpMessage, events_in
from handlers.edges.settings import signals
from tests.bench.rows import Row
from tests.processes.emulator import Ims
from tests.processes.function import Function
from tests.support.paths import ROOT

EVENTS = ROOT / "tests" / "events"

SHAPES = {
    "plain CloudEvent": "plain-structured.json",
    "CTS trace in EventGrid": "eventgrid-trace.json",
    "trace in SMN, to a function": "smn-trigger.json",
    "Glance notification": "glance-activate.json",
}


def recognition(rounds: int = 5, times: int = 100) -> list[Row]:
    """What it costs to see what an event is.

    here: parsing and recognising it, from its bytes to the image. beside: its
    whole handling, from the request to the reply, as a client on a connection
    kept alive sees it, with the shipped table and the IMS emulator.
    """
    with ExitStack() as stack:
        ims = Ims()
        stack.callback(ims.stop)
        folder = Path(stack.enter_context(TemporaryDirectory()))
        function = Function(folder / "log", IMS_ENDPOINT=ims.url, OS_TOKEN=ims.token)
        stack.callback(function.stop)
        session = stack.enter_context(requests.Session())
        function.ready()
        rows = []
        for shape, name in SHAPES.items():
            body = (EVENTS / name).read_bytes()
            for image in _recognised(body):
                ims.image(id=image)
            post = partial(
                session.post, function.url, data=body, headers={"Content-Type": "application/json"}
            )
            recognise_it = partial(_recognised, body)
            here = [_milliseconds(recognise_it, times) for _ in range(rounds)]
            beside = [_milliseconds(partial(_answered, post), max(1, times // 5)) for _ in range(rounds)]
            rows.append(Row(shape, "ms", here, beside, goal=0.1))
        return rows


SIGNALS = signals({})


def _recognised(body: bytes) -> list[str]:
    (received,) = events_in(HttpMessage({}, body))
    recognised = recognise(received.event, SIGNALS) if isinstance(received, Received) else received
    if not isinstance(recognised, list):
        raise TypeError(recognised)
    return [created.id for created in recognised]


def _answered(post: Callable[[], requests.Response]) -> None:
    post().raise_for_status()


def _milliseconds(work: Callable[[], object], times: int) -> float:
    return timeit(work, gc.enable, number=times) / times * 1e3
