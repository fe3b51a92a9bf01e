"""What the calls of the control plane share: reading a request, and saying what is wrong with one."""

import json
from typing import Any

from aiohttp import web

from deploy.local.ims.control.fields import Fields, InvalidControlRequest, checked
from deploy.local.ims.gateway.middleware import Handler


@web.middleware
async def invalid_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What makes no sense is answered 400 with one sentence."""
    try:
        return await handler(request)
    except InvalidControlRequest as invalid:
        return web.json_response({"error": str(invalid)}, status=400)


async def received(request: web.Request, what: str, fields: Fields) -> dict[str, Any]:
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError) as problem:
        raise InvalidControlRequest("The body must be JSON.") from problem
    return checked(what, given, fields)
