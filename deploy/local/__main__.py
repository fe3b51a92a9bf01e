"""The command `deploy/local/up`."""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.local import report, samples
from deploy.local.messages import NoEvent
from deploy.local.processes import NotRunning, Processes
from deploy.local.samples import Sample, Sent
from deploy.local.stack import Stack, start_stack
from deploy.local.watch import Fate, Watch

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
        description="Starts the whole system on this machine, sends it events and shows what becomes of "
        "them. Settings of the function such as RULES are taken from the environment.",
    )
    files = "event files to send instead of the samples of tests/events/"
    parser.add_argument("events", nargs="*", type=Path, metavar="EVENT", help=files)
    once = "stop afterwards; exit with 0 only if every event ended as it should"
    parser.add_argument("--once", action="store_true", help=once)
    return parser.parse_args()


async def _up(folder: Path, events: Sequence[Sent], *, create: bool, once: bool) -> int:
    running = asyncio.current_task()
    assert running is not None  # noqa: S101 - asyncio.run made it
    for end in (signal.SIGTERM, signal.SIGHUP):
        # A closed terminal sends the second; under nohup that is ignored, and stays so.
        if signal.getsignal(end) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(end, running.cancel)
    async with Processes(folder) as processes:
        print("Starting", flush=True)
        stack = await start_stack(processes, lambda line: print(f"  {line}", flush=True))
        print("\nSending events", flush=True)
        sent = await samples.send(stack, events)
        watch = Watch(stack, {sample.sequence: sample.event_id for sample in sent})
        faults = await _show(stack, watch, sent)
        for title, name, attempts in samples.CREATED if create else ():
            sent.append(await samples.create_image(stack, title, name, attempts))
            faults += await _show(stack, watch, sent[-1:])
        if create:
            sent += (traces := await samples.create_from_server(stack))
            faults += await _show(stack, watch, traces)
        print(report.summary([watch.fate(sample.event_id) for sample in sent], faults), flush=True)
        if once:
            return 1 if faults else 0
        print(report.what_now(stack, folder), flush=True)
        while True:
            for event_id in watch.look():
                print(report.news(event_id, watch.fate(event_id)), flush=True)
            await asyncio.sleep(0.2)


async def _show(stack: Stack, watch: Watch, sent: Sequence[Sample]) -> int:
    """Waits for these to end, shows each, and counts those that did not end as they should."""
    await watch.ends({sample.event_id for sample in sent}, ENDS_WITHIN)
    wrong = 0
    for sample in sent:
        fate: Fate = watch.fate(sample.event_id)
        image_id = sample.image_id or fate.said.get("image_id")
        tags = await samples.tags_of(stack, image_id) if image_id else {}
        faults = sample.faults(fate, tags)
        wrong += bool(faults)
        print(report.result(sample, fate, tags, faults), flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
