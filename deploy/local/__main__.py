"""The command `deploy/local/up`."""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rich.console import RenderableType

from deploy.local import report, samples
from deploy.local.follow_logs import LogFollower
from deploy.local.processes import NotRunning, Processes
from deploy.local.samples import EventFile, NoEvent, Sample
from deploy.local.stack import Stack, start_stack

ENDS_WITHIN = 60.0
"""Seconds from being sent in which an event has to end."""


def main() -> int:
    arguments = _arguments()
    try:
        events = samples.own(arguments.events) if arguments.events else samples.shipped()
    except NoEvent as fault:
        print(fault, file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="image-tagger-"))
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
    else:
        shutil.rmtree(folder)
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
    assert running is not None  # noqa: S101 - asyncio.run made it
    for end in (signal.SIGTERM, signal.SIGHUP):
        # A closed terminal sends the second; under nohup that is ignored, and stays so.
        if signal.getsignal(end) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(end, running.cancel)
    show = report.printer()
    async with Processes(folder) as processes, _announced_stop(show):
        show("Starting")
        stack = await start_stack(processes, lambda *part: show(report.render_part(*part)))
        show("\nSending events")
        sent = await samples.send(stack, events)
        follower = LogFollower(stack, {sample.sequence: sample.event_id for sample in sent})
        faults = await _show(show, stack, follower, sent)
        for title, name, attempts in samples.CREATED if create else ():
            sent.append(await samples.create_image(stack, title, name, attempts))
            faults += await _show(show, stack, follower, sent[-1:])
        if create:
            sent += (traces := await samples.create_from_server(stack))
            faults += await _show(show, stack, follower, traces)
        show(report.render_summary([follower.status(sample.event_id) for sample in sent], faults))
        if once:
            return 1 if faults else 0
        show(report.render_help(stack, folder))
        while True:
            for event_id in follower.read():
                show(report.render_event(event_id, follower.status(event_id)))
            await asyncio.sleep(0.2)


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
        status = follower.status(sample.event_id)
        image_id = sample.image_id or status.last_line.get("image_id")
        tags = await samples.tags_of(stack, image_id) if image_id else {}
        faults = sample.faults(status, tags)
        wrong += bool(faults)
        show(report.render_result(sample, status, tags, faults))
    return wrong


if __name__ == "__main__":
    sys.exit(main())
