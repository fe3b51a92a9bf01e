"""Marks events so that they write a tag only if the image has none with that key."""

from collections.abc import Mapping

from handlers.commands.files import events_in_message
from handlers.core.dead_letters.compose import event_text
from handlers.core.dead_letters.message import Message, message_of
from handlers.core.events.recognised import FILL_IN
from handlers.core.json_text import join_members
from handlers.core.received import Received

BATCH = "application/cloudevents-batch+json; charset=utf-8"


def filling_in(message: Message) -> Message:
    """The message with `tagfillin` in each of its events. Bare events become CloudEvents.

    A message with a piece that is not an event is left as it is. It becomes a dead letter once more.
    """
    if _is_binary(message.headers):
        return message._replace(headers={**message.headers, f"ce-{FILL_IN}": "true"})
    found = events_in_message(message)
    events = [event_text(each) | {FILL_IN: '"true"'} for each in found if isinstance(each, Received)]
    if not events or len(events) < len(found):
        return message
    if len(events) == 1:
        return message_of(events[0])
    return Message({"Content-Type": BATCH}, f"[{','.join(map(join_members, events))}]".encode())


def _is_binary(headers: Mapping[str, str]) -> bool:
    """Whether the attributes of an event are in the headers, as the function decides it."""
    given = {name.lower(): value for name, value in headers.items()}
    structured = given.get("content-type", "").strip().lower().startswith("application/cloudevents")
    return not structured and any(name.startswith("ce-") for name in given)
