"""A pause after refused credentials, so that no access key and no password is locked by our calls."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from handlers.core.errors import CredentialsRejected, TagApiError, TagApiUnavailable

T = TypeVar("T")

PAUSE = 300.0
"""Seconds. After five failures in a row a key is locked for as long ("API Gateway user guide", FAQ)."""


class _Pause(NamedTuple):
    """until: of the clock. error: what is raised instead of calling."""

    until: float
    error: CredentialsRejected


class LockOut:
    """Lets no call through with what was refused before the pause has passed.

    What nobody has accepted yet is tried by one call alone, while the others wait for its result: a wrong key
    costs one failure, however many events there are. Knows credentials by their fingerprints only.
    log: told once a pause why it began.
    """

    def __init__(self, log: Callable[..., None], clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._accepted = ""
        self._pauses: dict[str, _Pause] = {}
        self._trying = threading.Lock()
        self._noting = threading.Lock()

    def run(self, fingerprint: str, deadline: float, call: Callable[[], T], *, last: bool) -> T:
        """What the call gives. deadline: of the clock, for waiting. last: there is no renewal to be tried.

        During the pause it raises CredentialsRejected instead of calling: the refusal itself while a renewal
        may help, one with status 0 where it did not.
        """
        trying = self._is_first(fingerprint, deadline)
        try:
            given = call()
        except TagApiError as error:
            # A code of IMS means that the gateway, which counts the failures, let the call pass.
            passed = error.code.upper().startswith("IMG.")
            if isinstance(error, CredentialsRejected) and error.status and not passed:
                self._begin_pause(fingerprint, error)
                if last and trying:  # else another call was accepted: they have ended since
                    self.give_up(fingerprint)
            elif trying and passed:
                self._accepted = fingerprint
            raise
        else:
            if trying:
                self._accepted = fingerprint
            return given
        finally:
            if trying:
                self._trying.release()

    def give_up(self, fingerprint: str) -> None:
        """Nothing newer was found for what was refused: the pause is all that is left."""
        with self._noting:
            pause = self._pauses.get(fingerprint)
            if pause and pause.error.status:
                error = CredentialsRejected(
                    "the credentials were refused, and are not tried again for five minutes so that they are"
                    " not locked; the line credentials.refused of the log says why"
                )
                self._pauses[fingerprint] = pause._replace(error=error)

    def _is_first(self, fingerprint: str, deadline: float) -> bool:
        self._check(fingerprint)
        if fingerprint == self._accepted:
            return False
        if not self._trying.acquire(timeout=max(0.0, deadline - self._clock())):
            raise TagApiUnavailable("another call still tries the credentials, which none has used yet")
        try:
            self._check(fingerprint)
        except CredentialsRejected:
            self._trying.release()
            raise
        if fingerprint == self._accepted:
            self._trying.release()
            return False
        return True

    def _check(self, fingerprint: str) -> None:
        pause = self._pauses.get(fingerprint)
        if pause and self._clock() < pause.until:
            raise pause.error.again()

    def _begin_pause(self, fingerprint: str, error: CredentialsRejected) -> None:
        now = self._clock()
        with self._noting:
            if self._accepted == fingerprint:
                self._accepted = ""
            # What was refused long ago need not be known any longer.
            self._pauses = {known: pause for known, pause in self._pauses.items() if pause.until > now}
            if fingerprint in self._pauses:
                return
            self._pauses[fingerprint] = _Pause(now + PAUSE, error.again())
        self._log("credentials.refused", severity="WARNING", why=str(error), code=error.code, pause=PAUSE)
