"""HTTP messages as plain values, independent of the server or file that they come from."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple


class HttpMessage(NamedTuple):
    """A request with its body. headers: names in lower case, values in Latin-1 as in WSGI."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


class HttpReply(NamedTuple):
    """text: the body, which is cut when it is sent."""

    status: HTTPStatus
    text: str = ""
    headers: Mapping[str, str] = MappingProxyType({})


class RequestRefused(Exception):
    """The request is refused with this status. The message is the text of the reply."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
