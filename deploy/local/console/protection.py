"""What keeps other pages of the browser away from the console, and the content of events from being a page.

A page from elsewhere can make a browser send requests to the loopback, under a name of its own that leads
there. So the Host has to be one of ours, and a POST needs our Origin and the token of the session, which only
our own pages hold. The policy of content allows our own files alone, and no script or style within a page.
"""

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from deploy.local.processes import LOOPBACK

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SESSION_HEADER = "X-Console-Token"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def protect(port: int, token: str) -> Middleware:
    """Refuses requests that did not come from the console's own pages."""
    hosts = {f"{name}:{port}" for name in (LOOPBACK, "localhost")}

    @web.middleware
    async def protected(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Host") not in hosts:
            return web.Response(status=421, text=f"The console is at http://{LOOPBACK}:{port}.\n")
        if request.method not in {"GET", "HEAD"}:
            own = request.headers.get("Origin") == f"http://{request.headers['Host']}"
            given = request.headers.get(SESSION_HEADER, "")
            if not own or not hmac.compare_digest(given.encode(), token.encode()):
                message = "This page is of another session of the console; load it again."
                return web.json_response({"error": message}, status=403)
        return await handler(request)

    return protected


async def set_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Also of errors and of streams, before the first byte leaves."""
    response.headers.update(HEADERS)
