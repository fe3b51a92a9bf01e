"""What stands before the service: the record of calls, scripted faults, flow control and tokens."""

import re
from collections.abc import Awaitable, Callable
from uuid import uuid4
from wsgiref.handlers import format_date_time

from aiohttp import web

from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.errors import Refused
from deploy.local.ims.gateway.call_log import call_of
from deploy.local.ims.gateway.fault_answers import faulty, refusal
from deploy.local.ims.gateway.rights import demand_rights
from deploy.local.ims.signatures import Request
from deploy.local.ims.state import Token

CONTROL = "/_emulator/"
"""Where the control plane is; every other path is the emulated API."""
OPEN = re.compile(r"/(v[0-9.]+/?)?|/(v3/auth|machine)/.*")
"""Where those call who have no token yet."""
LARGEST_BODY = 12 * 1024 * 1024
"""Bytes; "API Gateway user guide", page "Error Codes", APIG.0201."""
CALLER = web.RequestKey("CALLER", Token)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def gateway(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith(CONTROL):
        if "Origin" in request.headers:  # any page can make a browser post here
            return web.json_response(
                {"error": "The emulator takes no orders from pages in a browser."}, status=403
            )
        return await handler(request)
    emulator = request.app[EMULATOR]
    request_id = uuid4().hex
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return refusal(Refused("APIG.0201"), request_id)
    except ConnectionResetError:
        return web.Response(status=400)  # the client is gone, and nobody reads this
    call = call_of(request, body)
    emulator.calls.add(call)

    async def served() -> web.StreamResponse:
        response = await _served(request, handler, body, request_id)
        call.status = response.status
        return response

    fault = emulator.faults.take(call)
    return await (served() if fault is None else faulty(fault, request, call, served, request_id))


async def _served(request: web.Request, handler: Handler, body: bytes, request_id: str) -> web.StreamResponse:
    """The service's own answer."""
    try:
        if not OPEN.fullmatch(request.path):
            request[CALLER] = _admitted(request, body)
            demand_rights(request, request[CALLER])
        response = await handler(request)
    except Refused as refused:
        response = refusal(refused, request_id)
        retry_after = request.app[EMULATOR].rate.retry_after
        if refused.code == "APIG.0308" and retry_after is not None:
            response.headers["Retry-After"] = f"{retry_after:g}"
    except web.HTTPException as bare:
        # Raised where the reference gives a status and no body.
        response = web.Response(status=bare.status, text=bare.text)
    response.headers["X-Request-Id"] = request_id
    response.headers["Date"] = format_date_time(request.app[EMULATOR].cloud.clock())
    return response


def _admitted(request: web.Request, body: bytes) -> Token:
    """Who calls, if the gateway lets the call pass. The order of its checks is inferred."""
    emulator = request.app[EMULATOR]
    if request.match_info.http_exception is not None or _is_unknown(request):
        raise Refused("APIG.0101")
    if not emulator.rate.admits():
        raise Refused("APIG.0308")
    token, authorization = request.headers.get("X-Auth-Token"), request.headers.get("Authorization")
    if token is not None or authorization is None:
        return emulator.cloud.token(token)
    headers = {name.lower(): value for name, value in request.headers.items()}
    signed = Request(request.method, request.raw_path, headers, body)
    return emulator.identity.signer(authorization, signed)


def _is_unknown(request: web.Request) -> bool:
    """Whether the settings say that the gateway does not know this call."""
    return request.path.endswith("/tags/action") and not request.app[EMULATOR].cloud.settings.batch_call
