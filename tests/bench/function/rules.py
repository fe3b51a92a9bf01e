"""What the rules table costs."""

import gc
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from time import process_time
from timeit import timeit
from typing import Any

from handlers.core.events import recognise
from handlers.core.rules import RuleTable
from handlers.edges.settings import signals
from tests.bench.rows import Row
from tests.processes.emulator import Ims
from tests.support.paths import ROOT

EVENT = ROOT / "tests" / "events/plain-structured.json"

MATCHING = (
    """
when.image.creator.name = ["Jane.Doe@example.com"]
tags.created-by = "{{ image.creator.name | local_part | lower }}"
""",
    """
when.image.project_id = ["0123456789abcdef0123456789abcdef"]
tags.project = "{{ image.project_id | short_hash }}"
""",
    """
when.image.name = [{ prefix = "prod-" }]
tags.created-on = "{{ image.created_at | date }}"
""",
)
EXACT = (
    'when.image.project_id = ["{number:032x}"]',
    'when.image.creator.name = ["user-{number}@example.com"]',
    'when.image.os_type = ["Windows"]\nwhen.image.name = ["base-{number}"]',
)
OTHERS = (
    'when.image.name = [{{ prefix = "team-{number}-" }}]',
    'when.image.name = [{{ wildcard = "build-{number}-*-final" }}]',
    'when.data.min_disk = [{{ numeric = [">", {number}000] }}]',
)

VALUE = "{{{{ image.name | lower }}}}-{number}"
OWN_VALUE = '{{{{ image.name | lower | replace("ROUND", "{number}") }}}}'
LOADING = {1_000: 100.0, 10_000: 1_200.0}
"""Milliseconds that so many rules may take."""


def rules(rounds: int = 5, sizes: Sequence[int] = (10, 100, 1_000, 10_000)) -> list[Row]:
    """What the rules table costs an event, and how long it takes to load.

    here: deriving the tags of an event that three rules match, each with one
    templated tag. Of the rules, 90 % want the exact value of a field, the others
    a prefix, a wildcard or a number; all but those three have one expression.
    beside: the same with 10 rules, or one call of the IMS emulator by requests,
    on a connection kept alive. All in time of the processor.
    """
    event = _event()
    loads: dict[int, list[float]] = {size: [] for size in sizes}
    events: dict[int, list[float]] = {size: [] for size in sizes}
    calls: list[float] = []
    own: list[float] = []
    with ExitStack() as stack:
        ims = Ims()
        stack.callback(ims.stop)
        tag = {"image_id": ims.image(), "image_tag": {"key": "created-for", "value": "production"}}
        call = partial(ims.api, "PUT", "/v1/cloudimages/tags", json=tag)
        for number in range(rounds):
            for size in sizes:
                load, derive = _costs(table_of(size), event)
                loads[size].append(load)
                events[size].append(derive)
            calls.append(_microseconds(call, 50))
            own.append(_costs(table_of(1_000, OWN_VALUE.replace("ROUND", str(number))), event)[0])
    return [
        *(Row(f"event, {size:,} / 10 rules", "us", events[size], events[10], goal=2) for size in sizes[1:]),
        Row("event, 1,000 rules / one call", "us", events[1_000], calls, goal=0.2),
        *(Row(f"loading {size:,} rules", "ms", loads[size], goal=LOADING.get(size)) for size in sizes),
        Row("1,000, no expression twice", "ms", own),
    ]


def _costs(content: bytes, event: dict[str, Any]) -> tuple[float, float]:
    """Milliseconds to load a table, and microseconds to derive the tags of one event. The table ends here."""
    began = process_time()
    table = RuleTable.load(content)
    load = (process_time() - began) * 1000
    gc.freeze()  # as the function does, once it is ready to serve
    if len(table.tags_for(event).tags) != len(MATCHING):
        raise RuntimeError("other rules match than were meant to; mend MATCHING")
    return load, _microseconds(partial(table.tags_for, event), 200)


def _microseconds(work: Callable[[], object], times: int) -> float:
    # With garbage collection, which timeit leaves out and the function does not.
    return timeit(work, gc.enable, timer=process_time, number=times) / times * 1e6


def table_of(size: int, value: str = VALUE) -> bytes:
    """A table of this many rules, of which the first, the middle one and the last match the event."""
    rest = unmatched_rules(size - len(MATCHING), value)
    middle = len(rest) // 2
    first, second, third = MATCHING
    bodies = [first, *rest[:middle], second, *rest[middle:], third]
    return "".join(f'[[rule]]\nname = "{number}"\n{body}\n' for number, body in enumerate(bodies)).encode()


def unmatched_rules(count: int, value: str = VALUE) -> list[str]:
    """The bodies of rules that match no event of the tests."""
    return [_rule(number, value) for number in range(count)]


def _rule(number: int, value: str) -> str:
    # Of the smallest table, MATCHING has the tenth rule that is not exact.
    kinds = OTHERS if number % 10 == 9 else EXACT
    when = kinds[number // 10 % len(kinds)].format(number=number)
    return f"{when}\ntags.rule-{number} = '{value.format(number=number)}'"


def event_for_all() -> dict[str, Any]:
    """The event, with a number for those rules that want one."""
    content: dict[str, Any] = json.loads(EVENT.read_bytes())
    content["data"]["min_disk"] = 40
    return content


def _event() -> dict[str, Any]:
    """It as rules see it."""
    recognised = recognise(event_for_all(), signals({}))
    if not isinstance(recognised, list):
        raise TypeError(recognised)
    return recognised[0].event
