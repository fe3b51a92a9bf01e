"""Converts requests of Flask to plain messages, and replies to responses of Flask."""

from collections.abc import Callable
from http import HTTPStatus

from flask import Request, Response, current_app
from flask import request as current_request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from handlers.edges.cloudevents.message import HttpReply, RequestRefused

REPLY_MAX = 512
"""Bytes of a reply's body. Some dispatchers of Knative crash above 768."""


def answer_every_path(function: Callable[[Request], Response]) -> None:
    """Gives the function the paths that the framework answers itself: /robots.txt, /favicon.ico and /static/.

    Call it while the framework imports the function. The framework would ask for no token there, and would
    read a body of any size into memory first.
    """
    if current_app:
        current_app.before_request(
            lambda: None if current_request.endpoint == "run" else function(current_request)
        )


def headers_of(request: Request) -> dict[str, str]:
    """The headers, names in lower case."""
    return {name.lower(): value for name, value in request.headers}


def body_of(request: Request, max_body_bytes: int) -> bytes:
    """The body. Raises RequestRefused."""
    too_large = f"the body is larger than {max_body_bytes} bytes, the limit that MAX_BODY_BYTES sets"
    # The server cuts a chunked body at this limit silently. One more byte shows that there was more.
    request.max_content_length = max_body_bytes + 1
    try:
        body = request.get_data()
    except (TimeoutError, ClientDisconnected):
        raise RequestRefused(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time") from None
    except RequestEntityTooLarge:
        raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large) from None
    except Exception:  # noqa: BLE001 - the server has errors of its own for a body that breaks off
        raise RequestRefused(
            HTTPStatus.BAD_REQUEST, "the body broke off, or its chunks are malformed or tiny"
        ) from None
    if len(body) > max_body_bytes:
        raise RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large)
    if request.content_length not in {None, len(body)}:
        # 408 and not 400: the event may be valid, and a bus delivers it again.
        raise RequestRefused(HTTPStatus.REQUEST_TIMEOUT, "the body ended before its announced length")
    return body


def response_of(reply: HttpReply) -> Response:
    body = reply.text.encode(errors="replace")[:REPLY_MAX].decode(errors="ignore").encode()
    # A stream, because otherwise the framework would first read the rest of the request into memory.
    response = Response(
        iter((body,)), reply.status, dict(reply.headers), content_type="text/plain; charset=utf-8"
    )
    response.headers["Content-Length"] = str(len(body))
    if not body:
        del response.headers["Content-Type"]
    return response
