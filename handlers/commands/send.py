"""`send`: event files to the function or to a bus, as they are."""

import argparse
import re
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from handlers.commands import targets
from handlers.commands.files import events_in_message, message_to_send
from handlers.commands.output.report import Report, counted
from handlers.commands.targets import SUBJECT, Answer, open_target
from handlers.commands.targets.rate import at_rate
from handlers.core.dead_letters.message import Message
from handlers.core.json_access import Json
from handlers.core.received import Received


def send(asked: argparse.Namespace, environ: Mapping[str, str]) -> Report:
    """Raises UsageError or InvalidSetting, before the first is sent."""
    messages = [(name, message_to_send(name)) for name in asked.events]
    sent = list[tuple[str, str, Answer]]()
    with closing(open_target(asked.to, environ, asked.token_file, asked.subject)) as target:
        for name, message in at_rate(messages, asked.rate):
            event_id = _event_id(message)
            answer = target.send(message, event_id, asked.subject)
            sent.append((name, event_id, answer))
            if answer.stop:
                break
    not_sent = len(messages) - len(sent)
    data = {"sent": [_row(*each) for each in sent], "not_sent": not_sent}
    lines = [": ".join(filter(None, (name, answer.outcome, answer.detail))) for name, _, answer in sent]
    if not_sent:
        lines.append(f"Stopped there: {counted(not_sent, 'file')} not sent.")
    is_done = all(answer.is_done or answer.outcome == "accepted" for _, _, answer in sent)
    return Report(data, lines, 0 if is_done and not not_sent else 1)


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Adds the command to those of the command line."""
    command = commands.add_parser(
        "send",
        parents=[shared],
        help="send event files to the function or to a bus",
        description="Sends event files, as they are, to the function or a bus, and says what became of each.",
        examples=[
            "send my-event.json --to http://127.0.0.1:8080/",
            "send my-event.http --to nats://127.0.0.1:4222",
        ],
        exit_codes={0: "every event needs no more", 1: "one does", 2: "wrong usage"},
    )
    command.add_argument("events", nargs="+", metavar="EVENT", help="a .json or .http file")
    targets.add_options(command, required=True)
    command.add_argument(
        "--subject", type=_subject, default=SUBJECT, help=f"where to publish on a bus; default: {SUBJECT}"
    )
    command.set_defaults(run=send)


def _event_id(message: Message) -> str:
    """The id of the event in a message, by which a bus knows it again; "" for several events."""
    events = events_in_message(message)
    only = events[0] if len(events) == 1 else None
    return str(only.event.get("id", "")) if isinstance(only, Received) else ""


def _row(name: str, event_id: str, answer: Answer) -> Json:
    return {
        "file": name,
        "id": event_id,
        "outcome": answer.outcome,
        "detail": answer.detail,
        "sequence": answer.sequence,
    }


def _subject(text: str) -> str:
    if not re.fullmatch(r"images(\.[^\s.*>]+)+", text):
        raise argparse.ArgumentTypeError(f"{text!a} is no subject of IMAGES; write one such as {SUBJECT}")
    return text
