"""Keys of a machine's agency, from the metadata service of Elastic Cloud Server.

Source: "Elastic Cloud Server user guide", "Obtaining ECS Details Using Metadata". That page does not mention
the token; its source is the vendor's SDK.
"""

import time
from http import HTTPStatus

import requests

from handlers.core.errors import CredentialsRejected, TagApiUnavailable, UnexpectedReply
from handlers.core.json_access import object_or_empty, string
from handlers.edges.credentials.refreshing import lifetime
from handlers.edges.credentials.signature import Keys
from handlers.edges.http.client import HttpClient, Reply
from handlers.edges.settings.secret import header_value

TIMEOUT = 3.0
"""Seconds for one answer, which comes from the same machine."""

TOKEN_LIFE = "21600"  # noqa: S105 - seconds, as a header
WITHOUT_TOKEN = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.SERVICE_UNAVAILABLE}


class MetadataService:
    """address: the link-local one, except in tests. It is never called through a proxy."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = HttpClient("the metadata service", "CREDENTIALS", proxy=None, ca_bundle=None)

    def keys(self, deadline: float) -> tuple[Keys, float]:
        """Keys, and their lifetime in seconds. Raises TagApiError."""
        # A new token each time. That is one call an hour, and nothing to store and renew.
        ttl = {"X-Metadata-Token-Ttl-Seconds": TOKEN_LIFE}
        reply = self._call("PUT", "/meta-data/latest/api/token", ttl, deadline)
        token = {}
        if reply.status == HTTPStatus.OK:
            token = {"X-Metadata-Token": _line(reply.body.decode(errors="replace").strip())}
        elif reply.status not in WITHOUT_TOKEN:
            raise UnexpectedReply(f"the metadata service gives no token (HTTP {reply.status})")
        reply = self._call("GET", "/openstack/latest/securitykey", token, deadline)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise CredentialsRejected("the machine has no agency; give it one that may tag images")
        if reply.status != HTTPStatus.OK:
            raise TagApiUnavailable(f"the metadata service gives no keys (HTTP {reply.status})")
        found = object_or_empty(object_or_empty(reply.body).get("credential"))
        parts = [string(found, name) for name in ("access", "secret", "securitytoken")]
        if None in parts:
            raise UnexpectedReply("the answer of the metadata service holds no keys")
        return Keys(*map(_line, filter(None, parts))), lifetime(found.get("expires_at"), reply)

    def _call(self, method: str, path: str, headers: dict[str, str], deadline: float) -> Reply:
        request = requests.Request(method, f"{self._address}{path}", headers=headers).prepare()
        return self._client.send(request, min(deadline, time.monotonic() + TIMEOUT))


def _line(text: str) -> str:
    """The text, if it can be a secret. Raises UnexpectedReply, because something else may have answered."""
    try:
        return header_value(text)
    except ValueError:
        raise UnexpectedReply("the answer of the metadata service is neither a token nor a key") from None
