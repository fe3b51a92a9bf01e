"""The contents of a delivery: events, and pieces that are not events."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from handlers.core.errors import TaggingError
from handlers.core.json_access import Json


class Received(NamedTuple):
    """An event.

    event: the CloudEvent as JSON. text: the same as its sender wrote it, in structured mode, or "".
    data_text: only its data as its sender wrote it, or "". Dead letters are made of these texts, so that they
    equal what was sent.
    """

    event: Json
    text: str = ""
    data_text: str = ""


class Unparsable(NamedTuple):
    """Bytes that are not an event, and the error that says why.

    headers: those of the request that begin with "ce-", if the bytes are its whole body.
    """

    body: bytes
    content_type: str
    error: TaggingError
    headers: Mapping[str, str] = MappingProxyType({})
