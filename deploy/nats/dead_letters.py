import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

# As much as Knative keeps, and the most that its own readers bear.
LONGEST_ERROR_DATA = 1024
FACTS = ("knativeerrordest", "knativeerrorcode", "knativeerrordata", "deliveryattempts")
STRUCTURED = {"Content-Type": "application/cloudevents+json"}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an event became a dead letter.

    destination: where it was posted to, a URL without secrets.
    status: of the last reply, None where there was none.
    body: how the last reply began, or where there was none, why.
    attempts: deliveries, as the bus counts them.
    """

    destination: str
    status: int | None
    body: bytes
    attempts: int

    def facts(self) -> dict[str, str | int]:
        """The extension attributes of Knative, and our own `deliveryattempts`; what is absent is left out."""
        facts: dict[str, str | int] = {"knativeerrordest": self.destination}
        if self.status is not None:
            facts["knativeerrorcode"] = self.status
        if self.body:
            kept = self.body[: LONGEST_ERROR_DATA // 4 * 3]
            facts["knativeerrordata"] = base64.b64encode(kept).decode()
        return facts | {"deliveryattempts": self.attempts}


def dead_letter(
    headers: Mapping[str, str], data: bytes, event: Mapping[str, str] | None, failure: Failure
) -> tuple[dict[str, str], bytes]:
    """The headers and data of the NATS message that keeps a failed message.

    event: as `binding.cloud_event` reads it. A CloudEvent gets the failure's facts as attributes, in
    structured mode; anything else stays as it is and gets them as headers. Facts of an earlier failure,
    on an event that was sent again, are replaced.
    """
    if event is None:
        return _kept(headers, FACTS) | {name: str(fact) for name, fact in failure.facts().items()}, data
    members = {name: text for name, text in event.items() if name not in FACTS}
    members |= {name: json.dumps(fact) for name, fact in failure.facts().items()}
    return _kept(headers, ("ce-.*", "content-type")) | STRUCTURED, _structured(members)


def _structured(members: Mapping[str, str]) -> bytes:
    return ("{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}").encode()


def _kept(headers: Mapping[str, str], replaced: tuple[str, ...]) -> dict[str, str]:
    # Nats-* headers are orders to the server (de-duplicate, expire, expect): they were for the first
    # publication. A name that is no token (RFC 9110, 5.6.2) cannot be written by a NATS client.
    left_out = re.compile("|".join((*replaced, "nats-.*")), re.IGNORECASE)
    token = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
    return {n: value for n, value in headers.items() if token.fullmatch(n) and not left_out.fullmatch(n)}
