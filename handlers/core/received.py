"""What a delivery holds: events, and pieces that are none."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from handlers.core.errors import TaggingError
from handlers.core.json_access import Json


class Received(NamedTuple):
    """An event.

    event: the CloudEvent as JSON. text, data_text: the same, or its payload alone, in the words of its
    sender;
    "" where it came otherwise. A dead letter is made of these, so that it is what was sent.
    """

    event: Json
    text: str = ""
    data_text: str = ""


class Unparsable(NamedTuple):
    """Bytes that are no event, and the error that says why.

    headers: those of the request that begin with "ce-", where the bytes are its whole body.
    """

    body: bytes
    content_type: str
    error: TaggingError
    headers: Mapping[str, str] = MappingProxyType({})
