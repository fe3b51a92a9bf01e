"""Credentials that expire: fetched when they are first needed, cached, and renewed before their end."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from handlers.core.errors import TagApiError, TagApiUnavailable, UnexpectedReply
from handlers.core.times import parse_http_date, parse_time
from handlers.edges.credentials.auth import Credential
from handlers.edges.http.client import Reply

MARGIN_MAX = 600.0
"""Seconds before their end at which credentials are renewed, or a fifth of their lifetime if that is less.

The metadata service has new keys ten minutes before the old ones end ("Elastic Cloud Server user guide",
"Obtaining ECS Details Using Metadata").
"""


class CachedCredential(NamedTuple):
    """Times are of the clock."""

    credential: Credential
    renew_at: float
    ends_at: float


class RefreshingProvider:
    """A provider that renews its credential in one thread at a time.

    The other threads use the old credential while it is valid. After that they wait, and share the result of
    the renewal, even a failure.
    fetch: returns a new credential and its lifetime in seconds, before a deadline; raises TagApiError.
    log: gets a line if a renewal before the end fails; the old credential then stays in use.
    """

    def __init__(
        self,
        fetch: Callable[[float], tuple[Credential, float]],
        log: Callable[..., None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._log = log
        self._clock = clock
        self._held: CachedCredential | None = None
        self._failure: TagApiError | None = None
        self._attempts = 0
        self._renewing = threading.Lock()

    def current(self, deadline: float) -> Credential:
        """A credential that has not expired. deadline: of the clock. Raises TagApiError."""
        held, now = self._held, self._clock()
        if held is None or now >= held.ends_at:
            return self._renewed(held, deadline)
        if now >= held.renew_at and self._renewing.acquire(blocking=False):
            try:
                return self._renew(deadline) if self._held is held else held.credential
            except TagApiError as error:
                self._log(
                    "credentials.not_renewed",
                    severity="WARNING",
                    reason=type(error).__name__,
                    detail=str(error),
                    code=error.code,
                )
                wait = (held.ends_at - held.renew_at) / 10
                self._held = held._replace(renew_at=now + wait)
            finally:
                self._renewing.release()
        return held.credential

    def refresh(self, refused: Credential, deadline: float) -> Credential:
        """A newer credential than the refused one. Raises TagApiError."""
        held = self._held
        if held is not None and held.credential.fingerprint != refused.fingerprint:
            return held.credential
        return self._renewed(held, deadline)

    def _renewed(self, old: CachedCredential | None, deadline: float) -> Credential:
        """The credential after the old one, whichever thread fetches it."""
        attempts = self._attempts
        if not self._renewing.acquire(timeout=max(0.0, deadline - self._clock())):
            raise TagApiUnavailable("the credentials were not renewed within EVENT_TIMEOUT")
        try:
            held = self._held
            if held is not None and (old is None or held.credential is not old.credential):
                return held.credential
            if self._attempts != attempts and self._failure is not None:
                raise self._failure.copy()
            return self._renew(deadline)
        finally:
            self._renewing.release()

    def _renew(self, deadline: float) -> Credential:
        self._failure = None
        try:
            credential, life = self._fetch(deadline)
        except TagApiError as error:
            self._failure = error.copy()
            raise
        finally:
            self._attempts += 1
        now, margin = self._clock(), min(MARGIN_MAX, life / 5)
        # If the service still returns the old one, it is not asked again for every event.
        self._held = CachedCredential(credential, now + max(life - margin, margin / 10), now + life)
        return credential


def lifetime(expires_at: object, reply: Reply) -> float:
    """Seconds from a reply to the expiry in it, by the clock of the service. Raises UnexpectedReply."""
    end = parse_time(expires_at)
    if end is None:
        raise UnexpectedReply("the answer with new credentials does not say when they end")
    now = parse_http_date(reply.headers.get("Date", "")) or datetime.now(UTC)
    # One second less, because `Date` omits fractions.
    return (end - now).total_seconds() - 1
