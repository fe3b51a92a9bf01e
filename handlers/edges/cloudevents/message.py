"""HTTP messages as plain values, whatever server or file they come from."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple


class HttpMessage(NamedTuple):
    """A request with its body. headers: names in lower case, values as WSGI has them, which is Latin-1."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


class HttpReply(NamedTuple):
    """text: of the body, cut where it is sent."""

    status: HTTPStatus
    text: str = ""
    headers: Mapping[str, str] = MappingProxyType({})


class RequestRefused(Exception):
    """The request is answered with this status and nothing of it is handled. The message is the reply's
    text.
    """

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
