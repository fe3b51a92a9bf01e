"""Where commands send events: the function at its address, or a bus of NATS.

What a target needs is imported when it is opened: most commands send nothing, and NATS may not be installed.
"""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.commands.files import UsageError
from handlers.commands.targets.rate import Wait, parse_rate
from handlers.commands.targets.target import DONE, Answer, Target

if TYPE_CHECKING:
    from handlers.commands.targets.bus import Bus

STOPPED = "Stopped there: the rest would fare no better. Mend it, then run the same command again."
"""What to tell after an Answer that says stop."""

NO_TARGET = "say where the function is with --to URL, or see what would happen with --dry-run"

SUBJECT = "images.created"
"""Where an event is published that has no subject yet."""


def is_nats(address: str) -> bool:
    """Whether an address is one of NATS."""
    return address.startswith(("nats://", "tls://"))


def add_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """The options that say where to send, and how fast."""
    parser.add_argument(
        "--to",
        metavar="ADDRESS",
        required=required,
        help="address of the function, or of a bus: nats://HOST:PORT",
    )
    parser.add_argument(
        "--rate", type=parse_rate, default=10.0, metavar="N", help="events a second at most; default: 10"
    )
    parser.add_argument(
        "--token-file", type=Path, metavar="PATH", help="holds the token that the function wants"
    )


def open_target(  # noqa: PLR0913 - of which two are for one command each
    address: str,
    environ: Mapping[str, str],
    token_file: Path | None,
    subject: str = SUBJECT,
    wait: Wait = time.sleep,
    *,
    defers: bool = False,
) -> Target:
    """The target at an address. Raises UsageError or InvalidSetting.

    token_file: holds the token that the function wants in deliveries. subject: for a bus.
    wait: for so many seconds, before the function is asked again. defers: as HttpTarget has it.
    """
    if not is_nats(address):
        from handlers.commands.targets.http import HttpTarget, token_in  # noqa: PLC0415 - a bus starts without it

        return HttpTarget(address, token_in(token_file) if token_file else None, wait, defers=defers)
    if token_file:
        raise UsageError(
            "--token-file holds a token of the function; a bus takes the file that NATS_CREDS names"
        )
    bus = open_bus(address, environ)
    from handlers.commands.targets.nats import NatsTarget  # noqa: PLC0415 - may not be installed

    return NatsTarget(bus, subject)


def open_bus(address: str, environ: Mapping[str, str]) -> "Bus":
    """A connection to a bus. Raises UsageError, also where the package is missing, or InvalidSetting."""
    try:
        from handlers.commands.targets.bus import Bus  # noqa: PLC0415 - may not be installed

        return Bus(address, environ)
    except ImportError:  # of the client, or of what signs in with NATS_CREDS
        message = "an address of NATS needs the package nats-py; run: python -m pip install 'nats-py[nkeys]'"
        raise UsageError(message) from None


__all__ = [
    "DONE",
    "NO_TARGET",
    "STOPPED",
    "SUBJECT",
    "Answer",
    "Target",
    "add_options",
    "is_nats",
    "open_bus",
    "open_target",
]
