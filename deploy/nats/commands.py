"""`python -m deploy.nats dead-letters list | show | redrive`: dead letters, and their way back."""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence

from .advice import advice
from .bus import BusNotReady, visited
from .dead_stream import DeadStream
from .letter import Letter
from .redrive import redrive
from .report import HEADING, json_line, page, row
from .selection import Selection
from .settings import InvalidSettings, nats_settings

DONE, NOT_DONE, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


def command(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command and return the exit status.

    0: done. 1: the bus or a dead letter is not there, or a dead letter was not redriven. 2: wrong use.
    130: interrupted. Raise SystemExit for --help and for wrong arguments.
    """
    asked = _parser().parse_args(arguments)
    try:
        return asyncio.run(_run(asked, environ))
    except InvalidSettings as fault:
        _say(str(fault))
        return WRONG_USE
    except BusNotReady as fault:
        _say(str(fault))
        return NOT_DONE
    except KeyboardInterrupt:
        _say("Interrupted; run the command again to go on.")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever reads has seen enough. Python flushes once more at its end, and must not fail then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


async def _run(asked: argparse.Namespace, environ: Mapping[str, str]) -> int:
    urls, creds, ca = nats_settings(environ)
    async with visited(urls, creds=creds, ca=ca) as bus:
        stream = DeadStream(bus.jetstream())
        last = await stream.last()
        match asked.verb:
            case "list":
                selection = Selection.of(asked)
                selected = (letter async for letter in stream.letters(last) if letter in selection)
                return await _list(selected, as_json=asked.json)
            case "show":
                return await _show(stream, asked.sequence, as_json=asked.json)
            case _:
                return await _redrive(stream, asked, last)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.nats",
        description="Without a command: the subscription. The bus is the one of the setting NATS_URL.",
    )
    nouns = parser.add_subparsers(required=True, metavar="COMMAND")
    noun = nouns.add_parser("dead-letters", help="look through dead letters and send them again")
    verbs = noun.add_subparsers(dest="verb", required=True, metavar="VERB")
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="a JSON object a line")

    verb = verbs.add_parser("list", parents=[as_json], help="one line for each")
    Selection.add_options(verb)

    verb = verbs.add_parser("show", parents=[as_json], help="what happened, what to do, and the event")
    verb.add_argument("sequence", type=_sequence, metavar="SEQUENCE")

    verb = verbs.add_parser("redrive", help="publish again, then delete the dead letter")
    verb.add_argument("sequences", type=_sequence, nargs="*", metavar="SEQUENCE", help="none: all")
    verb.add_argument("--rate", type=_rate, default=10.0, help="events a second (default 10)")
    verb.add_argument("--dry-run", action="store_true", help="list what would be redriven")
    Selection.add_options(verb)
    return parser


async def _list(letters: AsyncIterator[Letter], *, as_json: bool, said: str = "") -> int:
    count = 0
    async for letter in letters:
        if not as_json and not count:
            _print(HEADING)
        _print(json_line(letter) if as_json else row(letter))
        count += 1
    if not as_json:
        _print(f"{count or 'No'} dead letter{'s' * (count != 1)}{said}.")
    return DONE


async def _show(stream: DeadStream, sequence: int, *, as_json: bool) -> int:
    letter = await stream.letter(sequence)
    if letter is None:
        return _missing(sequence)
    if as_json:
        _print(json_line(letter, advice=advice(letter)._asdict()))
    else:
        _print("\n".join(page(letter)))
    return DONE


async def _redrive(stream: DeadStream, asked: argparse.Namespace, last: int) -> int:
    letters, selection = stream.letters(last), Selection.of(asked)
    missing: list[int] = []
    if asked.sequences:
        letters = _named(stream, asked.sequences, missing)
    selected = (letter async for letter in letters if letter in selection)
    if asked.dry_run:
        await _list(selected, as_json=False, said=" would be redriven")
        return NOT_DONE if missing else DONE
    refused = await redrive(stream, selected, rate=asked.rate, last=last, say=_say)
    return NOT_DONE if missing or refused else DONE


async def _named(stream: DeadStream, sequences: Sequence[int], missing: list[int]) -> AsyncIterator[Letter]:
    for sequence in dict.fromkeys(sequences):
        if letter := await stream.letter(sequence):
            yield letter
        else:
            missing.append(_missing(sequence))


def _missing(sequence: int) -> int:
    _say(f"There is no dead letter {sequence}; `dead-letters list` shows those that there are.")
    return NOT_DONE


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def _sequence(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,17}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no sequence; give a whole number such as 7")
    return int(text)


def _rate(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or not float(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no rate; give a number above 0 such as 10")
    return float(text)
