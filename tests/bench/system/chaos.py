"""Everything goes wrong at once; then whether the books balance."""

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain

from tests.bench.rig.chaos_script import End, Sent, end_of, events, hear, script
from tests.bench.rig.producer import publish
from tests.bench.rig.seeds import seeded
from tests.bench.rig.system import System, reasons_of, running
from tests.bench.rows import Row, none

SHARE = 1 / 3
"""Of the calls of the tag API that go wrong."""

# The one that users run but for its times, so that nobody waits for minutes.
SUBSCRIPTION = """
import sys
from deploy.nats.__main__ import main
sys.exit(main(ack_wait=3, back_off=lambda attempt: min(2, 0.05 * 2**attempt)))
"""
SETTINGS = {"EVENT_TIMEOUT": "2", "THREADS": "16"}

BATCH, BATCH_SECONDS = 50, 0.5
"""How many events are published at once, and how long the next ones wait."""

SETTLED_WITHIN = 600.0
"""Seconds."""

TOLD = 10
"""How many events are told of that ended wrong."""


def chaos(count: int = 5_000, pause: float = 4.0, away: float = 5.0, seed: int | None = None) -> list[Row]:
    """Whether an event is lost where everything goes wrong.

    Events go through bus, subscription and function to the IMS emulator, where a
    third of the calls go wrong in one of many ways. Function, subscription and bus
    are killed at random moments and started again; once the emulator answers
    nothing for some seconds. Then each event is counted by its last outcome, which
    has to be what the rules say, or a dead letter with a reason that was scripted.
    Then nothing goes wrong any more, and all dead letters are redriven. --seed
    repeats events, faults and crashes; how they meet is up to the machine.
    """
    rng = seeded("chaos", seed)
    sent = events(rng, count, datetime.now(UTC).isoformat())
    said: dict[str, str] = {}
    with running(("-c", SUBSCRIPTION), **SETTINGS) as system:
        for each in sent:
            system.ims.image(id=each.image_id)
        for fault in script(rng, SHARE, rare=max(1, count // 100)):
            system.ims.fault(**fault)
        began = time.monotonic()
        crashes = _crashes(system, rng, sent, pause, away)
        seconds = time.monotonic() - began
        calls = system.ims.control("GET", "calls")["total"]
        wrong = sum(fault["applied"] for fault in system.ims.faults())
        letters, ends = _ends(system, sent, said)
        system.ims.lift_faults()
        system.dead_letters("redrive", "--rate", "1000")
        system.drain(SETTLED_WITHIN)
        left, redriven = _ends(system, sent, said)
    outcomes, faults = Counter(end.outcome for end in ends), Counter(end.wrong for end in ends)
    reasons = Counter(end.why.partition(":")[0] for end in ends if end.outcome == "dead-letter")
    return [
        Row("events sent", "", [count]),
        *(Row(name, "", [outcomes[name]]) for name in ("tagged", "nothing-to-tag", "ignored", "dead-letter")),
        *(Row(f"- {reason}", "", [times]) for reason, times in sorted(reasons.items())),
        *(none(name, faults[name]) for name in ("lost", "not explained", "against the rules")),
        none("dead letters kept twice", letters - outcomes["dead-letter"]),
        none("dead letters after redrive", left),
        none("wrong after redrive", sum(end.wrong != "" for end in redriven)),
        *(Row(name, "times", [times]) for name, times in sorted(crashes.items())),
        Row("calls of the tag API", "", [calls]),
        Row("calls gone wrong", "%", [100 * wrong / calls]),
        Row("until all were settled", "s", [seconds]),
    ]


def _crashes(
    system: System, rng: random.Random, sent: Sequence[Sent], pause: float, away: float
) -> Counter[str]:
    """Publishes the events and lets nothing be in peace until all are settled. Gives what happened how often.

    pause, away: seconds, the first from one crash to the next on average.
    """

    def emulator_away() -> None:
        system.ims.process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(away)
        finally:
            system.ims.process.send_signal(signal.SIGCONT)

    kills = system.kills()
    all_once = {**kills, "emulator away": emulator_away}
    first = rng.sample(sorted(all_once), len(all_once))
    happened: Counter[str] = Counter()
    until = time.monotonic() + SETTLED_WITHIN
    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(asyncio.run, _publish(system.bus.url, sent))
        for name in chain(first, iter(lambda: rng.choice(sorted(kills)), None)):
            time.sleep(rng.uniform(0, 2 * pause))
            settled = publishing.done() and not system.bus.count()
            if len(happened) == len(all_once) and (settled or time.monotonic() > until):
                break
            all_once[name]()
            happened[name] += 1
            system.keep_up()
        publishing.result()
    system.drain(SETTLED_WITHIN)
    return happened


async def _publish(url: str, sent: Sequence[Sent]) -> None:
    async with asyncio.timeout(SETTLED_WITHIN):
        await publish([each.event for each in sent], [url], batch=BATCH, pause=BATCH_SECONDS)


def _ends(system: System, sent: Sequence[Sent], said: dict[str, str]) -> tuple[int, list[End]]:
    """How many dead letters there are, and how each event ended; tells of those that ended wrong.

    said: as of `hear`; brought up to date, and then without the events that have a dead letter, since those
    begin anew when they are redriven.
    """
    hear(said, system.function.log.new_lines())
    listed = system.dead_letters("list")
    reasons = reasons_of(listed)
    ends = [
        end_of(each, said.get(each.event_id, ""), reasons.get(each.event_id), system.ims.tags(each.image_id))
        for each in sent
    ]
    for event_id in reasons:
        said.pop(event_id, None)
    wrong = [(each, end) for each, end in zip(sent, ends, strict=True) if end.wrong]
    for each, end in wrong[:TOLD]:
        sys.stderr.write(f"{each.event_id} is {end.wrong}: {end.why}\n")
    return len(listed["dead_letters"]), ends
