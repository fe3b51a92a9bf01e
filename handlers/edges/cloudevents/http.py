"""HTTP in and out: a request becomes events, an outcome becomes a reply.

Speaks the CloudEvents HTTP binding (spec versions 1.0 and 0.3; binary, structured and batch mode) and the
webhook specification.
"""

import math
import re
from collections.abc import Sequence
from hmac import compare_digest
from http import HTTPStatus
from typing import Any

from flask import Request, Response
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from handlers.core.errors import InvalidEvent
from handlers.core.outcomes import Outcome
from handlers.edges.cloudevents import parse

Json = dict[str, Any]

REPLY_MAX = 512
"""Bytes of a reply's body; some Knative dispatchers come to harm above 768."""

EVENTS_MAX = 1000
"""Events of a delivery. EventGrid sends 20 at the most; without a bound, a small body keeps a worker busy."""

ALLOWED = "POST, OPTIONS"


class Refused(Exception):
    """The request holds nothing that could be handled.

    status: of the reply. error: where the body is no event, which a sink may keep.
    """

    def __init__(self, status: HTTPStatus, message: str, error: InvalidEvent | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = error


def answer_at_once(request: Request, tokens: Sequence[str]) -> Response | None:
    """The answer to what is no delivery: health, handshake, initialization, other methods.

    tokens: one of which every POST must carry; none: anybody may. Raises Refused where it does not.
    """
    if request.method == "GET" and request.path == "/healthz":
        return _reply(HTTPStatus.OK)
    if request.method == "OPTIONS":
        # CloudEvents HTTP webhook specification, section 4.2: these headers are the consent, here to anybody.
        consent = {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "*", "Allow": ALLOWED}
        return _reply(HTTPStatus.OK, headers=consent)
    if request.method != "POST":
        return _reply(HTTPStatus.METHOD_NOT_ALLOWED, "deliver events with POST", {"Allow": ALLOWED})
    if tokens and not _carries(request, tokens):
        message = "send the token of this address as `Authorization: Bearer` or as ?access_token="
        raise Refused(HTTPStatus.UNAUTHORIZED, message)
    if request.path == "/init":
        return _reply(HTTPStatus.OK)
    return None


def _carries(request: Request, tokens: Sequence[str]) -> bool:
    """Whether the request has one of the tokens (CloudEvents HTTP webhook specification, section 3)."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    given = bearer.strip() if scheme.lower() == "bearer" else request.args.get("access_token", "")
    # Every token is compared whole, so that the time it takes tells nothing of any.
    return sum(compare_digest(given.encode(), token.encode()) for token in tokens) > 0


def events_of(request: Request, max_body_bytes: int, timeout: float) -> Sequence[Json | Exception]:
    """The events of a delivery, each a CloudEvent as JSON.

    timeout: seconds that the sender may be silent before its body is there.
    An element of several that is no event is an InvalidEvent in its place. Raises Refused where there is no
    event at all, or one that is alone and cannot be parsed.
    """
    body = _body(request, max_body_bytes, timeout)
    media_type = request.mimetype
    if media_type.startswith("application/cloudevents") and not re.fullmatch(
        r"application/cloudevents(-batch)?(\+json)?", media_type
    ):
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "of the CloudEvents formats, only JSON is understood"
        )
    try:
        ce_headers = {
            name.lower(): value for name, value in request.headers if name.lower().startswith("ce-")
        }
        if ce_headers and not media_type.startswith("application/cloudevents"):
            return [parse.from_headers(ce_headers, request.content_type, body)]
        content = parse.load_json(body)
        if media_type.startswith("application/cloudevents-batch") and not isinstance(content, list):
            raise InvalidEvent("a batch is a JSON array of CloudEvents")  # noqa: TRY301 - kept like the others
        found = parse.from_content(content)
        if len(found) > EVENTS_MAX:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a delivery has at most {EVENTS_MAX} events")
        if len(found) == 1 and isinstance(found[0], InvalidEvent) and not isinstance(content, list):
            raise found[0]
    except InvalidEvent as error:
        parse.keeping(error, lambda: body, request.content_type)
        raise Refused(HTTPStatus.BAD_REQUEST, str(error), error) from None
    return found


def refusal(refused: Refused) -> Response:
    """The reply to a request without an event."""
    headers = {"WWW-Authenticate": "Bearer"} if refused.status == HTTPStatus.UNAUTHORIZED else None
    return _reply(refused.status, str(refused), headers)


def reply_of(outcome: Outcome, count: int, path: str, *, kept: bool = False) -> Response:
    """The reply that makes a bus do what the outcome says.

    count: of the events that the delivery held. path: /invoke is FunctionGraph's, and gets 200 for 204.
    kept: the dead letters are in our own sink, and nobody else's business.
    """
    headers: dict[str, str] = {"Tagging-Outcome": outcome.kind} if count == 1 else {}
    if outcome.kind == "retry":
        status = (
            HTTPStatus.TOO_MANY_REQUESTS if outcome.reason == "Throttled" else HTTPStatus.SERVICE_UNAVAILABLE
        )
        headers["Retry-After"] = str(math.ceil(outcome.retry_after))
        return _reply(status, f"{outcome.reason}: {outcome.message}", headers)
    if outcome.kind == "dead-letter" and not kept:
        return _reply(HTTPStatus.BAD_REQUEST, f"{outcome.reason}: {outcome.message}", headers)
    return _reply(HTTPStatus.OK if path == "/invoke" else HTTPStatus.NO_CONTENT, headers=headers)


def trace_of(request: Request, event: Json | Exception) -> str | None:
    """The trace id of the delivery (W3C Trace Context), else of the event (distributed-tracing extension)."""
    parent = request.headers.get("traceparent") or (isinstance(event, dict) and event.get("traceparent"))
    match = re.match(r"[0-9a-f]{2}-([0-9a-f]{32})-", parent) if isinstance(parent, str) else None
    return match[1] if match else None


def _reply(status: HTTPStatus, text: str = "", headers: dict[str, str] | None = None) -> Response:
    body = text.encode(errors="replace")[:REPLY_MAX].decode(errors="ignore").encode()
    # As a stream, or the framework would read what is left of the request into memory before it answers.
    reply = Response(iter((body,)), status, headers, content_type="text/plain; charset=utf-8")
    reply.headers["Content-Length"] = str(len(body))
    if not body:
        del reply.headers["Content-Type"]
    return reply


def _body(request: Request, max_body_bytes: int, timeout: float) -> bytes:
    too_large = f"the body is larger than {max_body_bytes} bytes, the limit that MAX_BODY_BYTES sets"
    # The server cuts a chunked body at this limit without a word; one byte more shows that there was more.
    request.max_content_length = max_body_bytes + 1
    # Where the server says how to reach the connection, a silent sender cannot hold a worker for ever.
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(timeout)
    try:
        body = request.get_data()
    except (TimeoutError, ClientDisconnected):
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time") from None
    except RequestEntityTooLarge:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large) from None
    except Exception:  # noqa: BLE001 - the server has errors of its own for a body that breaks off
        raise Refused(HTTPStatus.BAD_REQUEST, "the body broke off, or its chunks are malformed") from None
    if len(body) > max_body_bytes:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large)
    if request.content_length not in {None, len(body)}:
        # 408 and not 400: the event may be sound, and buses deliver it again.
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "the body ended before its announced length")
    return body
