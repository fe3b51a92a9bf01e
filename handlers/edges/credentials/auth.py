"""Authenticates calls, and retries once with refreshed credentials after a refusal."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from requests import PreparedRequest
from requests.auth import AuthBase

from handlers.core.errors import CredentialsRejected

if TYPE_CHECKING:
    from handlers.edges.credentials.lockout import Lockout


class Credential(Protocol):
    """Authenticates a request. fingerprint: identifies the credential without revealing it."""

    @property
    def fingerprint(self) -> str: ...

    def for_project(self, project_id: str | None, /) -> AuthBase: ...


class CredentialProvider(Protocol):
    """A source of credentials. Both methods raise TagApiError; deadlines are of `time.monotonic`."""

    def current(self, deadline: float, /) -> Credential: ...

    def refresh(self, refused: Credential, deadline: float, /) -> Credential:
        """A newer credential, or the same if there is none."""


class StaticProvider(NamedTuple):
    """A provider of what `read` returns at the moment. Somebody else renews it."""

    read: Callable[[], Credential]

    def current(self, _deadline: float) -> Credential:
        return self.read()

    def refresh(self, _refused: Credential, _deadline: float) -> Credential:
        return self.read()


class Token(AuthBase):
    """A token of Identity and Access Management, which is for one project."""

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def now(cls, read: Callable[[], str]) -> Self:
        """The token that `read` returns at the moment."""
        return cls(read())

    @property
    def fingerprint(self) -> str:
        return sha256(self._text.encode()).hexdigest()

    def for_project(self, _project_id: str | None) -> AuthBase:
        return self

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["X-Auth-Token"] = self._text
        return request


class ProjectCredentials(NamedTuple):
    """The credentials for a project. lockout: None if they cannot be locked."""

    provider: CredentialProvider
    lockout: "Lockout | None"

    def refreshed(
        self, credential: Credential, refusal: CredentialsRejected, deadline: float
    ) -> Credential | None:
        """A newer credential after a refusal; None if there is none. Raises TagApiError."""
        if not refusal.status:  # no call was made, because of the pause
            return None
        newer = self.provider.refresh(credential, deadline)
        if newer.fingerprint != credential.fingerprint:
            return newer
        if self.lockout:
            self.lockout.give_up(credential.fingerprint)
        return None


Accounts = Mapping[str | None, ProjectCredentials]
"""By project id. The key None is for every other project."""
