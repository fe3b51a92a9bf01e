"""The command `deploy/local/up`."""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rich.console import RenderableType

from deploy.local import created_images, left_over, report, samples, untold_images
from deploy.local.feed import Feed
from deploy.local.follow_logs import LogFollower
from deploy.local.journal import Journal
from deploy.local.processes import NotRunning, Processes
from deploy.local.samples import EventFile, NoEvent, Sample
from deploy.local.stack import Stack, start_stack
from deploy.local.untold_images import Untold

if TYPE_CHECKING:
    from deploy.local.console import Console

ENDS_WITHIN = 60.0
"""Seconds from being sent in which an event has to end."""


def main() -> int:
    arguments = _arguments()
    folder = Path(tempfile.mkdtemp(prefix=left_over.FOLDERS))
    try:
        now = datetime.now(UTC)
        events = (
            samples.own(arguments.events) if arguments.events else samples.shipped(folder / "samples", now)
        )
    except NoEvent as fault:
        shutil.rmtree(folder)
        print(fault, file=sys.stderr)
        return 2
    for sentence in left_over.end():
        print(sentence, flush=True)
    try:
        code = asyncio.run(_up(folder, events, create=not arguments.events, once=arguments.once))
    except NotRunning as fault:
        print(fault, file=sys.stderr)
        code = 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        # Without --once a signal is how this ends.
        code = 130 if arguments.once else 0
    except BrokenPipeError:
        # Whoever read along has gone, as `head` does; what is still to be written goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    if code == 1:
        print(f"The logs are in {folder}", file=sys.stderr)
    elif table := left_over.remove(folder):
        print(f"\nThe rules table that you saved is {table}\nStart with it: RULES={table} deploy/local/up")
    return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="deploy/local/up",
        description="Starts the whole system on this machine, sends it events and shows how "
        "they end. Settings of the function such as RULES are taken from the environment.",
    )
    files = "event files to send instead of the samples of tests/events/"
    parser.add_argument("events", nargs="*", type=Path, metavar="EVENT", help=files)
    once = "stop afterwards; exit with 0 only if every event ended as it should"
    parser.add_argument("--once", action="store_true", help=once)
    return parser.parse_args()


async def _up(folder: Path, events: Sequence[EventFile], *, create: bool, once: bool) -> int:
    running = asyncio.current_task()
    for end in (signal.SIGTERM, signal.SIGHUP):
        # A closed terminal sends the second; under nohup that is ignored, and stays so.
        if running and signal.getsignal(end) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(end, running.cancel)
    show, journal = report.printer(), Journal()
    async with Processes(folder) as processes, _announced_stop(show), AsyncExitStack() as stops:
        console = None if once else await stops.enter_async_context(_console(processes, journal))
        if console:
            show(f"Console  {console.url}\n")
        show("Starting")
        untold = list[Untold]()

        async def make_untold(ims: str) -> None:
            untold.extend(await untold_images.make(ims) if create else ())

        stack = await start_stack(
            processes, lambda *part: show(report.render_part(*part)), make_untold, own_copy=not once
        )
        finding = asyncio.create_task(untold_images.find_and_tag(stack, untold)) if create else None
        follower = LogFollower(stack, journal)
        if console:
            await console.attach(stack, follower)
        show("\nSending events")
        sent = await samples.send(stack, events)
        for sample in sent:
            journal.expect(sample.event_id, sample.sequence)
        wrong = await _show(show, stack, follower, sent)
        if finding:
            await finding
            wrong += _show_untold(show, stack, untold)
            for title, name, attempts in created_images.CREATED:
                sent.append(await created_images.create_image(stack, title, name, attempts))
                wrong += await _show(show, stack, follower, sent[-1:])
            sent += (traces := await created_images.create_from_server(stack))
            wrong += await _show(show, stack, follower, traces)
        records = [journal.latest(sample.event_id) for sample in sent]
        show(report.render_summary(records, wrong, judged=stack.judged))
        if console:
            show(report.render_help(stack, folder, console.url))
            await _feed(show, follower)
        show(report.render_next())
    return 1 if wrong else 0


def _show_untold(show: Callable[[RenderableType], None], stack: Stack, untold: Sequence[Untold]) -> int:
    """Shows the images that no event told of, and counts those that did not end as they should."""
    show("\nImages that no event told of")
    faults = [each.faults(judged=stack.judged) for each in untold]
    for each, wrong in zip(untold, faults, strict=True):
        show(report.render_untold(each, wrong))
    show("\nCreating images")
    return sum(map(bool, faults))


async def _feed(show: Callable[[RenderableType], None], follower: LogFollower) -> NoReturn:
    """Shows what happens, until cancelled."""
    feed = Feed(follower)
    while True:
        follower.read()
        for block in feed.news():
            show(block)
        await asyncio.sleep(0.05)


def _console(processes: Processes, journal: Journal) -> AbstractAsyncContextManager["Console"]:
    """The console, which only who stays needs to wait for."""
    from deploy.local.console import Console  # noqa: PLC0415 - `--once` starts without it, and so no slower

    return Console.served(processes, journal)


@asynccontextmanager
async def _announced_stop(show: Callable[[RenderableType], None]) -> AsyncIterator[None]:
    """Says at once that a stop has begun, because each part first finishes what it has in hand."""
    try:
        yield
    except asyncio.CancelledError:
        with suppress(OSError):  # the terminal may be what went away
            show("\nStopping, which takes some seconds; the logs are deleted.")
        raise


async def _show(
    show: Callable[[RenderableType], None], stack: Stack, follower: LogFollower, sent: Sequence[Sample]
) -> int:
    """Waits for these to end, shows each, and counts those that did not end as they should."""
    await follower.wait_for({sample.event_id for sample in sent}, ENDS_WITHIN)
    wrong = 0
    for sample in sent:
        record = follower.journal.latest(sample.event_id)
        image_id = sample.image_id or record.last_line.get("image_id")
        tags = await samples.tags_of(stack, image_id) if image_id else {}
        faults = sample.faults(record, tags, judged=stack.judged)
        wrong += bool(faults)
        show(report.render_result(sample, record, tags, faults if stack.judged else []))
    return wrong


if __name__ == "__main__":
    sys.exit(main())
