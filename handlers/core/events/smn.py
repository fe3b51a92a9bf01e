"""Messages of Simple Message Notification (SMN) other than notifications ("HTTP or HTTPS Messages")."""

import re

from handlers.core.events.recognised import CreationSignals, OtherEvent, Recognised
from handlers.core.json_access import Json, string

_ADDRESS = re.compile(r"https://[!-~]{1,1000}")
"""An address that can be shown in full, because a person must open it as it is."""


def read(event: Json, data: Json, _: CreationSignals) -> Recognised | None:
    """Reads a message. The function opens no address that an event names; a person must check the topic."""
    if not str(event["type"]).startswith("SMN:"):
        return None
    url = string(data, "subscribe_url")
    if url is None:
        return OtherEvent("the message of Simple Message Notification is not a notification")
    if not _ADDRESS.fullmatch(url):
        return OtherEvent("a topic asks to be subscribed, but its subscribe_url is not an https address")
    return OtherEvent(
        f"a topic asks to be subscribed; if it is yours, open its subscribe_url within 48 hours: {url}"
    )
