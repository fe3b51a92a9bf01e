"""Calls as whom the settings say: with what there is and, where that is refused, once more with newer."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, Protocol

from requests import PreparedRequest
from requests.auth import AuthBase

from handlers.core.errors import CredentialsRejected
from handlers.edges.http.client import Reply

if TYPE_CHECKING:
    from handlers.edges.credentials.lockout import Lockout

Send = Callable[[AuthBase], Reply]
"""Makes a call. Raises TagApiError for every answer but success."""


Header = Callable[[str], str | None]
"""The value of a header of the request that brought an event, by its name in any case."""


class Credential(Protocol):
    """What proves who calls. fingerprint: what tells it from others without being it."""

    @property
    def fingerprint(self) -> str: ...

    def for_project(self, project_id: str | None, /) -> AuthBase: ...


class Source(Protocol):
    """Where credentials come from. Both raise TagApiError; deadlines are of `time.monotonic`."""

    def current(self, deadline: float, /) -> Credential: ...

    def refresh(self, refused: Credential, deadline: float, /) -> Credential:
        """Newer ones, or the same where there are none."""


class StaticProvider(NamedTuple):
    """A source that somebody else keeps up to date: `read` gives what there is now."""

    read: Callable[[], Credential]

    def current(self, _deadline: float) -> Credential:
        return self.read()

    def refresh(self, _refused: Credential, _deadline: float) -> Credential:
        return self.read()


class Token(AuthBase):
    """A token of Identity and Access Management, which is for one project from the start."""

    def __init__(self, text: str) -> None:
        self._text = text

    @property
    def fingerprint(self) -> str:
        return sha256(self._text.encode()).hexdigest()

    def for_project(self, _project_id: str | None) -> AuthBase:
        return self

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["X-Auth-Token"] = self._text
        return request


class ProjectCredentials(NamedTuple):
    """lockout: None for what cannot be locked."""

    source: Source
    lockout: "Lockout | None"


Accounts = Mapping[str | None, ProjectCredentials]
"""By project id; None is for every other one."""


class Authentication:
    """Calls for projects, with the account of each."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def log_in(self, project_id: str | None, deadline: float) -> None:
        """Gets the credentials for a project without calling. Raises TagApiError."""
        self._account(project_id).source.current(deadline)

    def call(self, project_id: str | None, send: Send, deadline: float) -> Reply:
        """What `send` gives with the credentials for a project. Raises TagApiError.

        After a refusal, credentials are renewed once, never twice: failures in a row lock a key.
        """
        source, lockout = self._account(project_id)

        def sent(credential: Credential, *, last: bool) -> Reply:
            auth = credential.for_project(project_id)
            if lockout is None:
                return send(auth)
            return lockout.run(credential.fingerprint, deadline, lambda: send(auth), last=last)

        credential = source.current(deadline)
        try:
            return sent(credential, last=False)
        except CredentialsRejected as refused:
            if not refused.status:  # no call was made: the pause is all that is left
                raise
            newer = source.refresh(credential, deadline)
            if newer.fingerprint == credential.fingerprint:
                if lockout:
                    lockout.give_up(credential.fingerprint)
                raise
        return sent(newer, last=True)

    def _account(self, project_id: str | None) -> ProjectCredentials:
        return self._accounts[project_id if project_id in self._accounts else None]
