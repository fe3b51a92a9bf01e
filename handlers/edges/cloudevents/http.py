"""The function's replies: to requests that are not deliveries, and to a delivery by its outcome.

They follow the CloudEvents webhook specification and the HTTP binding. This module knows no server.
"""

import math
from collections.abc import Mapping, Sequence
from hmac import compare_digest
from http import HTTPStatus

from handlers.core.outcomes import Outcome
from handlers.edges.cloudevents.message import HttpReply, RequestRefused

ALLOWED = "POST, OPTIONS"


def reply_to_non_delivery(
    method: str, path: str, headers: Mapping[str, str], access_token: str, tokens: Sequence[str]
) -> HttpReply | None:
    """The reply to a health check, a handshake, an initialization or another method; None for a delivery.

    headers: names in lower case. access_token: from the query. tokens: every POST must carry one of them; if
    there are none, anybody may send. Raises RequestRefused if the request carries none of them.
    """
    if method == "GET" and path == "/healthz":
        return HttpReply(HTTPStatus.OK)
    if method == "OPTIONS":
        # CloudEvents HTTP webhook specification, section 4.2: these headers are the consent, to anybody.
        consent = {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "*", "Allow": ALLOWED}
        return HttpReply(HTTPStatus.OK, headers=consent)
    if method != "POST":
        return HttpReply(HTTPStatus.METHOD_NOT_ALLOWED, "deliver events with POST", {"Allow": ALLOWED})
    if tokens and not _is_authorized(headers.get("authorization", ""), access_token, tokens):
        raise RequestRefused(
            HTTPStatus.UNAUTHORIZED,
            "send the token of this address as `Authorization: Bearer` or as ?access_token=",
        )
    return HttpReply(HTTPStatus.OK) if path == "/init" else None


def refusal(refused: RequestRefused) -> HttpReply:
    """The reply to a request that is refused without being handled."""
    headers = {
        HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
        HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "1"},
    }
    return HttpReply(refused.status, str(refused), headers.get(refused.status, {}))


def reply_to(outcome: Outcome, events: int, path: str, *, stored: bool = False) -> HttpReply:
    """The reply that makes a bus do what the outcome says.

    events: how many the delivery held. path: /invoke is FunctionGraph's, and gets 200 instead of 204.
    stored: the dead letters are in the function's sink, so the bus need not store them.
    """
    headers = {"Tagging-Outcome": outcome.kind} if events == 1 else {}
    text = f"{outcome.reason}: {outcome.message}"
    if outcome.kind == "retry":
        throttled = outcome.reason == "Throttled"
        status = HTTPStatus.TOO_MANY_REQUESTS if throttled else HTTPStatus.SERVICE_UNAVAILABLE
        return HttpReply(status, text, headers | {"Retry-After": str(math.ceil(outcome.retry_after))})
    if outcome.kind == "dead-letter" and not stored:
        too_large = outcome.reason == "DeliveryTooLarge"
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_large else HTTPStatus.BAD_REQUEST
        return HttpReply(status, text, headers)
    return HttpReply(HTTPStatus.OK if path == "/invoke" else HTTPStatus.NO_CONTENT, headers=headers)


def _is_authorized(authorization: str, access_token: str, tokens: Sequence[str]) -> bool:
    """Whether the request has one of the tokens (CloudEvents HTTP webhook specification, section 3)."""
    scheme, _, bearer = authorization.partition(" ")
    given = bearer.strip() if scheme.lower() == "bearer" else access_token
    # Every token is compared in full, so that the duration reveals nothing.
    return sum(compare_digest(given.encode(), token.encode()) for token in tokens) > 0
