"""Dead letters as a table, as a page and as JSON. Nothing in an event can end a line or colour it."""

import base64
import json
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from .advice import advice
from .letter import Letter

WIDTH = 80
HEADING = f"{'SEQUENCE':>8}  {'STORED (UTC)':<19}  CODE  REASON"


def row(letter: Letter) -> str:
    """A line of the table under HEADING, of WIDTH characters at most."""
    stored = f"{letter.stored:%Y-%m-%d %H:%M:%S}"
    reason = plain(" ".join(letter.reason.split())) or "no text"
    line = f"{letter.sequence:>8}  {stored}  {letter.code or 'none':>4}  {reason}"
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."


def json_line(letter: Letter, **more: Any) -> str:
    """A line of JSON: what is known of the dead letter and, as its producer wrote it, the event."""
    return json.dumps(letter.facts() | more)[:-1] + f', "event": {_event_text(letter)}}}'


def page(letter: Letter) -> Iterator[str]:
    """Lines for a person who has never seen the code: what happened first, the event last."""
    for question, answer in zip(
        ("What happened", "Why it stays so", "What to do"), advice(letter), strict=True
    ):
        yield question
        yield from textwrap.wrap(plain(answer), WIDTH - 2, initial_indent="  ", subsequent_indent="  ")
        yield ""
    yield f"  send it again  python -m deploy.nats dead-letters redrive {letter.sequence}"
    yield f"  delete it      nats stream rmm IMAGES_DEAD {letter.sequence}"
    yield ""
    stored = f"{letter.stored:%Y-%m-%dT%H:%M:%SZ}"
    yield f"Dead letter {letter.sequence}, stored {stored}, published to {plain(letter.event_subject)}"
    yield ""
    yield from _event_lines(letter)


def plain(text: str) -> str:
    """The text with every character that could command a terminal written out."""
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def _event_text(letter: Letter) -> str:
    headers, data = letter.message
    if letter.event is None:
        return json.dumps({"headers": headers, "data_base64": base64.b64encode(data).decode()})
    # Between the tokens of JSON a line's end is white space, and inside of one it cannot be.
    return data.decode().replace("\n", " ").replace("\r", " ")


def _event_lines(letter: Letter) -> Iterator[str]:
    headers, data = letter.message
    if letter.event is None:
        yield f"It is no CloudEvent, but {len(data)} bytes as they were published:"
        yield from (f"  {plain(name)}: {plain(value)}" for name, value in headers.items())
        yield ""
        yield from (f"  {plain(line)}" for line in data.decode(errors="replace").splitlines())
    else:
        text = data.decode()
        # An event may nest deeper than can be indented, and may be here for just that.
        with suppress(RecursionError):
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        yield from (plain(line) for line in text.splitlines())
