"""A pause after refused credentials, so that our calls lock neither an access key nor a password."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from handlers.core.errors import CredentialsRejected, TagApiError, TagApiUnavailable

PAUSE = 300.0
"""Seconds. The gateway locks a key for as long after more than five failures ("API Gateway user guide")."""


class _Pause(NamedTuple):
    """until: of the clock. error: raised instead of making a call."""

    until: float
    error: CredentialsRejected


class Lockout:
    """Stops calls with refused credentials until the pause has passed.

    Until credentials have been accepted once, only one call uses them, and the others wait for its result. So
    a wrong key costs one failure, however many events there are. Credentials are known by their fingerprints.
    log: gets one line for each pause that no renewal prevents.
    """

    def __init__(self, log: Callable[..., None], clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._accepted = ""
        self._scopes: set[str] = set()
        self._pauses: dict[str, _Pause] = {}
        self._trying = threading.Lock()
        self._noting = threading.Lock()

    @contextmanager
    def guard(self, fingerprint: str, deadline: float, *, last: bool, scope: str = "") -> Iterator[None]:
        """Surrounds a call. deadline: of the clock, for waiting. last: whether no renewal will be tried.

        scope: what a refusal may also be about. It pauses alone if the credentials were accepted before, but
        never for this scope. During the pause, it raises CredentialsRejected before the call: the refusal
        itself while a renewal may help, and an error with status 0 after that.
        """
        trying = self._is_first(fingerprint, scope, deadline)
        try:
            yield
        except TagApiError as error:
            if isinstance(error, CredentialsRejected) and error.status and not error.reached_ims:
                self._begin_pause(fingerprint, scope, error)
                if (
                    last and trying
                ):  # otherwise another call was accepted, and the credentials have ended since
                    self.give_up(fingerprint)
            elif trying and error.reached_ims:
                self._accept(fingerprint, scope)
            raise
        else:
            if trying or fingerprint == self._accepted:
                self._accept(fingerprint, scope)
        finally:
            if trying:
                self._trying.release()

    def give_up(self, fingerprint: str, scope: str = "") -> None:
        """Ends the hope for newer credentials: the pause is now final, and is logged."""
        with self._noting:
            pauses = {locked: self._pauses.get(locked) for locked in (fingerprint, fingerprint + scope)}
            begun = {locked: pause for locked, pause in pauses.items() if pause and pause.error.status}
            for locked, pause in begun.items():
                error = CredentialsRejected(
                    "the credentials were refused. They are not used again for five minutes, so that they are"
                    " not locked. The log line credentials.refused says why"
                )
                self._pauses[locked] = pause._replace(error=error)
        for _, refusal in begun.values():
            self._log(
                "credentials.refused",
                severity="WARNING",
                reason="CredentialsRejected",
                detail=str(refusal),
                code=refusal.code,
                pause=PAUSE,
            )

    def _is_first(self, fingerprint: str, scope: str, deadline: float) -> bool:
        self._check(fingerprint, scope)
        if fingerprint == self._accepted:
            return False
        if not self._trying.acquire(timeout=max(0.0, deadline - self._clock())):
            raise TagApiUnavailable("another call is still trying the credentials for the first time")
        try:
            self._check(fingerprint, scope)
        except CredentialsRejected:
            self._trying.release()
            raise
        if fingerprint == self._accepted:
            self._trying.release()
            return False
        return True

    def _check(self, fingerprint: str, scope: str) -> None:
        for locked in (fingerprint, fingerprint + scope):
            pause = self._pauses.get(locked)
            if pause and self._clock() < pause.until:
                raise pause.error.copy()

    def _accept(self, fingerprint: str, scope: str) -> None:
        with self._noting:
            if self._accepted != fingerprint:
                self._accepted, self._scopes = fingerprint, set()
            self._scopes.add(scope)

    def _begin_pause(self, fingerprint: str, scope: str, error: CredentialsRejected) -> None:
        now = self._clock()
        with self._noting:
            locked = fingerprint
            if self._accepted == fingerprint and scope not in self._scopes:
                locked += scope
            elif self._accepted == fingerprint:
                self._accepted = ""
            # Pauses that are over are forgotten.
            self._pauses = {known: pause for known, pause in self._pauses.items() if pause.until > now}
            self._pauses.setdefault(locked, _Pause(now + PAUSE, error.copy()))
