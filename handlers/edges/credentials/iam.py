"""Tokens of Identity and Access Management (IAM), for a user or for an agency that the user acts as."""

import json
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests

from handlers.core.errors import (
    CredentialsRejected,
    PermissionDenied,
    TagApiError,
    TagApiUnavailable,
    Throttled,
    UnexpectedReply,
)
from handlers.core.ims.error_codes import code_and_message
from handlers.core.json_access import Json, object_or_empty
from handlers.edges.credentials.auth import Token
from handlers.edges.credentials.lockout import Lockout
from handlers.edges.credentials.refreshing import lifetime
from handlers.edges.http.client import HttpClient, Reply
from handlers.edges.settings import Password

PATH = "/v3/auth/tokens"

_MEANINGS: dict[int, tuple[type[TagApiError], str]] = {
    400: (PermissionDenied, "does not accept user, domain, project or agency"),
    401: (CredentialsRejected, "does not accept user, password, domain, project or agency"),
    403: (PermissionDenied, "does not let the user act for the project, or as the agency"),
    404: (UnexpectedReply, "is not at this address; check OS_AUTH_URL"),
    429: (Throttled, "throttles the calls"),
}


class TokenService:
    """The identity service, for one user."""

    def __init__(
        self, user: Password, log: Callable[..., None], *, proxy: str | None, ca_bundle: Path | None
    ) -> None:
        self._user = user
        self._lockout = Lockout(log)
        self._client = HttpClient("the identity service", "OS_AUTH_URL", proxy=proxy, ca_bundle=ca_bundle)

    def token_for(self, project: Json, deadline: float) -> tuple[Token, float]:
        """A token for a project, named by id or name, and its lifetime in seconds. Raises TagApiError."""
        password = self._user.password()
        fingerprint = sha256(f"{self._user.username}\n{password}".encode()).hexdigest()
        scope = json.dumps(project)  # IAM answers 401 to a wrong project and to a wrong password
        try:
            with self._lockout.guard(fingerprint, deadline, last=True, scope=scope):
                return self._token(password, project, deadline)
        except CredentialsRejected:  # even if the password was accepted before, because there is no newer one
            self._lockout.give_up(fingerprint, scope)
            raise

    def _token(self, password: str, project: Json, deadline: float) -> tuple[Token, float]:
        user = self._user
        # "Obtaining a User Token", "Obtaining an Agency Token" (IAM API reference). We infer that the user's
        # own token must be for the domain, because acting as an agency is a right there.
        scope: Json = {"domain": {"name": user.domain_name}} if user.agency else {"project": project}
        named = {"name": user.username, "password": password, "domain": {"name": user.domain_name}}
        identity = {"methods": ["password"], "password": {"user": named}}
        token, life = self._ask(identity, scope, {}, password, deadline)
        if user.agency is None:
            return Token(token), life
        role = dict(zip(("agency_name", "domain_name"), user.agency, strict=True))
        identity = {"methods": ["assume_role"], "assume_role": role}
        token, life = self._ask(identity, {"project": project}, {"X-Auth-Token": token}, token, deadline)
        return Token(token), life

    def _ask(
        self, identity: Json, scope: Json, headers: dict[str, str], secret: str, deadline: float
    ) -> tuple[str, float]:
        # POST /v3/auth/tokens; `nocatalog` with any text leaves the catalogue out of the answer.
        request = requests.Request(
            "POST",
            f"{self._user.auth_url}{PATH}?nocatalog=true",
            headers={"Content-Type": "application/json;charset=utf8"} | headers,
            data=json.dumps({"auth": {"identity": identity, "scope": scope}}).encode(),
        ).prepare()
        reply = self._client.send(request, deadline, secret)
        token = reply.headers.get("X-Subject-Token", "")
        if reply.status != HTTPStatus.CREATED or not token:
            raise _refusal(reply)
        content: Any = object_or_empty(reply.body).get("token")
        return token, lifetime(object_or_empty(content).get("expires_at"), reply)


def _refusal(reply: Reply) -> TagApiError:
    unavailable = (TagApiUnavailable, "has a fault of its own")
    unexpected = (UnexpectedReply, "gives an unknown answer; check OS_AUTH_URL")
    otherwise = unavailable if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR else unexpected
    error, meaning = _MEANINGS.get(reply.status, otherwise)
    _, words = code_and_message(reply.body)
    said = " ".join(filter(None, (f"HTTP {reply.status}", words)))
    return error(f"the identity service {meaning} ({said})", status=reply.status)
