import asyncio
from collections.abc import AsyncIterator, Callable
from time import monotonic

from .dead_stream import DeadStream
from .letter import Letter

PROGRESS_SECONDS = 5.0


async def redrive(
    stream: DeadStream, letters: AsyncIterator[Letter], *, rate: float, last: int, say: Callable[[str], None]
) -> int:
    """Send events again, one after the other, and return how many could not be published and stay.

    rate: a second. last: the highest sequence, to tell how far it is. say: is told of progress and faults.
    Interrupted, it can be begun anew: what was sent is gone from the stream.
    """
    sent = refused = 0
    begin = told = monotonic()
    try:
        async for letter in letters:
            await asyncio.sleep(begin - monotonic())
            begin = max(begin, monotonic() - 1 / rate) + 1 / rate
            if fault := await stream.redrive(letter):
                refused += 1
                say(f"Dead letter {letter.sequence} stays: {fault}.")
            else:
                sent += 1
            if monotonic() - told >= PROGRESS_SECONDS:
                told = monotonic()
                say(f"{sent} redriven; at sequence {letter.sequence} of {last}.")
    finally:
        say(f"{sent} redriven, {refused} refused.")
    return refused
