"""Who may call: users with passwords, agencies, access keys, and the tokens that are issued to them.

"Identity and Access Management API reference"; for signed calls "API Gateway user guide", pages "FAQ" and
"Error Codes". Whether a wrong clock or a wrong security token counts as a failure of a key is inferred.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from deploy.local.ims.errors import Refused
from deploy.local.ims.fields import FLAG, TEXT, TEXTS, Form, at_least, is_text, optional
from deploy.local.ims.signatures import Request, claim_of, is_valid
from deploy.local.ims.state.images import DENIED, PROJECT_ID, REGION, USER, Cloud, Token

SKEW_MAX = 900
"""Seconds that the time of a signature may be off."""
FAILURES_MAX = 5
"""Failures in a row after which an access key is locked."""
LOCKED = 300
"""Seconds that it is locked."""
INCORRECT = "Incorrect IAM authentication information: "
IDS: Form = (lambda ids: isinstance(ids, list) and all(map(is_text, ids)), "a list of texts")
PROJECTS: Mapping[str, str] = {PROJECT_ID: REGION}


@dataclass(frozen=True)
class User:
    password: Annotated[str, TEXT]
    domain: Annotated[str, TEXT] = "example"
    projects: Annotated[Mapping[str, str], TEXTS] = field(default_factory=lambda: PROJECTS)
    """Names by id."""
    denied: Annotated[Sequence[str], DENIED] = ()
    """Rights that are taken away."""


@dataclass(frozen=True)
class Agency:
    domain: Annotated[str, TEXT]
    """The account that it acts in."""
    projects: Annotated[Mapping[str, str], TEXTS]
    denied: Annotated[Sequence[str], DENIED] = ()


@dataclass(frozen=True)
class Key:
    secret: Annotated[str, TEXT]
    security_token: Annotated[str, TEXT] = ""
    projects: Annotated[Sequence[str], IDS] = (PROJECT_ID,)
    ends_at: Annotated[float, at_least(0)] = math.inf
    """Seconds since the epoch."""
    denied: Annotated[Sequence[str], DENIED] = ()


@dataclass
class Failures:
    in_a_row: int = 0
    locked_until: float = 0


@dataclass(frozen=True)
class Settings:
    token_life: Annotated[float, at_least(0)] = 86_400
    """Seconds."""
    machine_key: Annotated[str | None, optional(TEXT)] = None
    """The access key that the metadata service gives out; none: the machine has no agency."""
    metadata_tokens: Annotated[bool, FLAG] = True
    """Whether the metadata service gives and demands tokens of its own."""


class Identity:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.settings = Settings()
        self.users: dict[str, User] = {}
        self.agencies: dict[str, Agency] = {}
        self.keys: dict[str, Key] = {}
        self.failures: dict[str, Failures] = {}
        self.issued: set[str] = set()
        self.metadata_token = uuid4().hex

    def now(self) -> float:
        return self._cloud.clock()

    def issue(self, user: Mapping[str, Any], project_id: str, denied: Sequence[str]) -> str:
        """A new token; without a project it is of no use to IMS."""
        text, ends_at = f"issued-{uuid4().hex}", self.now() + self.settings.token_life
        self._cloud.tokens[text] = Token(user, project_id, ends_at=ends_at, denied=denied)
        self.issued.add(text)
        return text

    def signer(self, authorization: str, request: Request) -> Token:
        """Who signed a request. Raises `Refused` as the gateway does."""
        claim = claim_of(authorization)
        if claim is None:
            raise Refused("APIG.0301", INCORRECT + "the form of Authorization is wrong")
        failures = self.failures.setdefault(claim.access, Failures())
        if self.now() < failures.locked_until:
            raise Refused("APIG.0301", INCORRECT + "AK access failed to reach the limit,forbidden")
        key = self.keys.get(claim.access)
        if refused := self._refusal(claim.access, key, request) or (
            None if key and is_valid(claim, request, key.secret) else _wrong("verify aksk signature fail")
        ):
            failures.in_a_row += 1
            if failures.in_a_row >= FAILURES_MAX:
                self.failures[claim.access] = Failures(locked_until=self.now() + LOCKED)
            raise refused
        failures.in_a_row = 0
        user = {**USER, "name": claim.access}
        return Token(user, _project(key, request), denied=key.denied if key else ())

    def _refusal(self, access: str, key: Key | None, request: Request) -> Refused | None:
        """What is wrong with a signed request besides its signature."""
        if key is None:
            return _wrong(f"Get secretKey failed,ak:{access},err:ak not exist")
        signed_at = request.headers.get("x-sdk-date", "")
        try:
            moment = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return _wrong("the time of the signature is malformed")
        if abs(moment - self.now()) > SKEW_MAX:
            now = datetime.fromtimestamp(self.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
            return Refused("APIG.0303", f"signature expired, signature time:{signed_at},server time:{now}")
        if request.headers.get("x-security-token", "") != key.security_token or self.now() >= key.ends_at:
            return _wrong("the security token is wrong or has ended")
        return None


def _wrong(words: str) -> Refused:
    return Refused("APIG.0301", INCORRECT + words)


def _project(key: Key | None, request: Request) -> str:
    """Named by a header, which may be left out where there is one project; the codes are inferred."""
    projects = key.projects if key else ()
    project_id = request.headers.get("x-project-id", "")
    if not project_id and len(projects) != 1:
        raise Refused("IMG.0104")
    if project_id and project_id not in projects:
        raise Refused("IMG.0067")
    return project_id or projects[0]


def utc_time(moment: float) -> str:
    """Seconds since the epoch as IAM and the metadata service write them."""
    return datetime.fromtimestamp(min(moment, 32503679999), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
