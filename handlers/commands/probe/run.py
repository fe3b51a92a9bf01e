"""`probe`: runs the steps, leaves the image as it was, and writes the profile."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

from handlers.commands.files import UsageError, writing
from handlers.commands.output.report import WIDTH, Report
from handlers.commands.probe import told
from handlers.commands.probe.caller import Caller, OutOfCalls
from handlers.commands.probe.profile import profile_of
from handlers.commands.probe.session import Session
from handlers.commands.probe.steps.removing import clean, reserve
from handlers.commands.probe.steps.table import STEPS, Step, why_not
from handlers.commands.services import Services
from handlers.commands.signals import SIGNALS, on_signals
from handlers.commands.targets.rate import Wait
from handlers.core.json_text import plain
from handlers.edges.settings import Settings


def probe(
    asked: argparse.Namespace,
    environ: Mapping[str, str],
    wait: Wait = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Raises UsageError or InvalidSetting. wait: for so many seconds. clock: returns seconds."""
    if asked.quota and not asked.image:
        raise UsageError("--quota writes tags; name the image that may get them with --image")
    settings = Settings.from_environ(environ)
    caller = Caller(Services.of(settings, environ), settings.delivery.event_timeout, wait, clock)
    _check_writable(asked.profile)
    session = Session(caller, asked.image)
    left_out = {step.name: _why_not(step, asked) for step in STEPS}
    _say(*told.plan(asked.image, left_out))
    if not asked.yes and not _agreed():
        raise UsageError("nothing was done; answer y to go on, or give --yes")
    left = _run(session, left_out)
    profile = profile_of(session.observed, caller.calls)
    _write(asked.profile, profile)
    return told.report(session, profile, left, asked.profile)


def _why_not(step: Step, asked: argparse.Namespace) -> str:
    return why_not(step, asked.skip, writes=asked.image is not None, fills=asked.quota)


def _run(session: Session, left_out: Mapping[str, str]) -> set[str]:
    """The keys of tags that may be left. left_out: why a step does not run, or ""."""
    left = set[str]()
    is_interrupted = True
    with on_signals(_interrupt):
        try:
            for number, step in enumerate(STEPS, 1):
                _run_step(session, step, left_out[step.name], number)
            is_interrupted = False
        finally:
            for each in SIGNALS:
                signal.signal(each, signal.SIG_IGN)  # what was written is removed, whoever is in a hurry
            left = clean(session)
            if left:
                _say(told.about_left(session, left))
            elif is_interrupted and session.image:
                _say("This run has ended early. The image has the tags that it had.")
    return left


def _run_step(session: Session, step: Step, why_not_run: str, number: int) -> None:
    if not why_not_run and session.caller.left < step.calls_max + reserve(session) and step.name != "quota":
        why_not_run = "no-calls"  # `quota` reckons itself, by the tags that the image has
    if not why_not_run:
        _say(f"{number}/{len(STEPS)} {step.name}")
        try:
            step.run(session)
        except OutOfCalls:
            why_not_run = "no-calls"
    session.observed.miss(why_not_run or "unclear", *step.switches)


def _interrupt() -> None:
    """Ends a run as Ctrl-C does: after the tags are removed."""
    raise KeyboardInterrupt


def _agreed() -> bool:
    """Whether the person on the terminal says yes; without a terminal there is nobody to ask."""
    if not sys.stdin or not sys.stdin.isatty():
        return True
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _say(*texts: str) -> None:
    for text in texts:
        sys.stderr.write(fill(plain(text), WIDTH, subsequent_indent="   ") + "\n")
    sys.stderr.flush()


def _check_writable(path: Path) -> None:
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{path} cannot be written; name another file with --profile")


def _write(path: Path, profile: dict[str, Any]) -> None:
    with writing(path):
        path.write_text(json.dumps(profile, indent=2) + "\n", encoding="utf-8")
