"""`probe`: what the vendors do not publish, found out on a real account in a few minutes.

It reads with the function's settings and credentials. It writes nothing, unless `--image` names an image that
may get tags for a moment. The result is a page for people and a profile, which the emulator takes.

The steps are imported when they run: what they need to speak HTTP takes longer than most commands.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handlers.commands.image_ids import image_id
from handlers.commands.output.report import Report

DESCRIPTION = """Finds out how a real cloud answers where the vendors publish nothing, and what that means for
the settings. It only reads, unless --image names an image that may get tags for a moment; their keys begin
with image-tagger-probe. It says which calls it will make before it makes the first. It leaves nothing behind,
also if it is killed and run again."""

STEPS = ("identity", "images", "traces", "jobs", "image", "tag", "refusals", "quota", "trace-of-tag")


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Adds the command to those of the command line."""
    command = commands.add_parser(
        "probe",
        parents=[shared],
        help="find out how a real cloud answers",
        description=DESCRIPTION,
        examples=["probe", "probe --image 62a15f6c-9197-44d2-89c7-708981c1bec1 --quota"],
        exit_codes={0: "done", 1: "a tag may be left on the image", 2: "wrong usage, or nobody answers"},
    )
    command.add_argument(
        "--image", type=image_id, metavar="UUID", help="image that may get tags for a moment"
    )
    command.add_argument(
        "--quota",
        action="store_true",
        help="also fill the image with tags, to see what one too many is answered",
    )
    command.add_argument(
        "--skip", nargs="+", choices=STEPS, default=[], metavar="STEP", help=f"leave out: {', '.join(STEPS)}"
    )
    command.add_argument("--yes", action="store_true", help="do not ask before the first call")
    command.add_argument(
        "--profile",
        type=Path,
        default=Path("profile.json"),
        metavar="FILE",
        help="file for the profile; default: profile.json",
    )
    command.set_defaults(run=_probe)


def _probe(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    from handlers.commands.probe.run import probe  # noqa: PLC0415 - the HTTP client takes longer than --help

    return probe(asked, environ)
