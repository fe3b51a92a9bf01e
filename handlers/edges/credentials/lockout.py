"""A pause after refused credentials, so that no access key and no password is locked by our calls."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from handlers.core.errors import CredentialsRejected, TagApiError, TagApiUnavailable

PAUSE = 300.0
"""Seconds. After more than five failures in a row a key is locked as long ("API Gateway user guide", FAQ)."""


class _Pause(NamedTuple):
    """until: of the clock. error: what is raised instead of calling."""

    until: float
    error: CredentialsRejected


class Lockout:
    """Lets no call through with what was refused before the pause has passed.

    What nobody has accepted yet is tried by one call alone, while the others wait for its result: a wrong key
    costs one failure, however many events there are. Knows credentials by their fingerprints only.
    log: told once a pause why it began, when nothing but the pause is left.
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
        """Surrounds a call. deadline: of the clock, for waiting. last: there is no renewal to be tried.

        scope: what else a refusal may speak against. It pauses alone where the credentials are accepted, but
        were never for this scope.
        During the pause it raises CredentialsRejected instead of letting the call begin: the refusal itself
        while a
        renewal may help, one with status 0 where it did not.
        """
        trying = self._is_first(fingerprint, scope, deadline)
        try:
            yield
        except TagApiError as error:
            if isinstance(error, CredentialsRejected) and error.status and not error.reached_ims:
                self._begin_pause(fingerprint, scope, error)
                if last and trying:  # else another call was accepted: they have ended since
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
        """Nothing newer was found for what was refused: the pause is all that is left."""
        with self._noting:
            pauses = {locked: self._pauses.get(locked) for locked in (fingerprint, fingerprint + scope)}
            begun = {locked: pause for locked, pause in pauses.items() if pause and pause.error.status}
            for locked, pause in begun.items():
                error = CredentialsRejected(
                    "the credentials were refused, and are not tried again for five minutes so that they are"
                    " not locked; the line credentials.refused of the log says why"
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
            raise TagApiUnavailable("another call still tries the credentials, which none has used yet")
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
            # What was refused long ago need not be known any longer.
            self._pauses = {known: pause for known, pause in self._pauses.items() if pause.until > now}
            self._pauses.setdefault(locked, _Pause(now + PAUSE, error.copy()))
