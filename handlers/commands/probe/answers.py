"""What a call of the probe was answered, and what the probe has observed. Pure."""

import json
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from handlers.core.errors import (
    CredentialsRejected,
    ImageNotFound,
    PermissionDenied,
    TagApiError,
    Throttled,
    UnexpectedReply,
)
from handlers.core.ims.error_codes import error_of
from handlers.core.json_access import Json

CODE = re.compile(r"[A-Z]{2,8}\.[0-9]{4}")
SUCCESS, CLIENT_ERRORS = range(200, 300), range(400, 500)
OF_THE_MOMENT = {401, 408, 429}
"""Statuses of refusals that say nothing of what was asked."""


class Answer(NamedTuple):
    """status: 0 if there was no answer. code: of the error body, or "". error: as which class of error the
    function reads the answer; None for a success. body: of a success, if it is a JSON object.
    """

    status: int
    code: str = ""
    error: type[TagApiError] | None = None
    body: Json = {}  # noqa: RUF012 - nobody writes to it

    @property
    def is_done(self) -> bool:
        return self.status in SUCCESS

    @property
    def is_denied(self) -> bool:
        """The credentials lack the right for this call."""
        return self.error is not None and issubclass(self.error, PermissionDenied)

    @property
    def is_unknown_call(self) -> bool:
        """The gateway does not know the call."""
        return self.status == HTTPStatus.NOT_FOUND and self.error is UnexpectedReply

    @property
    def is_refusal(self) -> bool:
        """The service refuses what was asked, and not the moment, the right or the call."""
        passing = self.status in OF_THE_MOMENT or self.error in {CredentialsRejected, Throttled}
        return self.status in CLIENT_ERRORS and not (passing or self.is_denied or self.is_unknown_call)

    @property
    def is_not_found(self) -> bool:
        return self.error is ImageNotFound

    @property
    def refusal(self) -> str:
        """A refusal as one text, `400 IMG.0027`; `404` if it has no code, or one of an unknown form."""
        return f"{self.status} {self.code}" if CODE.fullmatch(self.code) else str(self.status)


def error_class(refusal: str) -> type[TagApiError]:
    """As which error the function reads a refusal in the form of `Answer.refusal`."""
    status, _, code = refusal.partition(" ")
    body = json.dumps({"error": {"code": code, "message": ""}}).encode() if code else b""
    return type(error_of(int(status), {}, body, datetime.now(UTC)))


class Observed:
    """rights: whether each is there; None if unknown. values: what was found, by the name of the switch.
    reasons: why others could not be observed, as a key of `switches.REASONS`. seen: what is for people alone.
    """

    def __init__(self) -> None:
        self.rights = dict[str, bool | None].fromkeys(("get", "update", "list", "jobs", "traces", "batch"))
        self.values = dict[str, Any]()
        self.reasons = dict[str, str]()
        self.seen = dict[str, Any]()

    def add(self, **values: Any) -> None:
        self.values |= values

    def miss(self, reason: str, *names: str) -> None:
        """Says why switches are not observable, unless an earlier reason is known."""
        for name in names:
            self.reasons.setdefault(name, reason)

    def right(self, name: str, answer: Answer) -> bool:
        """Notes whether the right is there, if the answer says so; whether it is not known to be missing."""
        if answer.is_denied:
            self.rights[name] = False
        elif answer.is_done or answer.is_refusal:
            self.rights[name] = True
        return not answer.is_denied
