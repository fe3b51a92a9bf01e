"""What the calls of the control plane share: reading a request, and saying what is wrong with one."""

import json
from typing import Any

from aiohttp import web

from deploy.local.ims.fields import Fields, InvalidControlRequest, checked, fields_of
from deploy.local.ims.gateway.middleware import Handler


@web.middleware
async def invalid_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What makes no sense is answered 400 with one sentence."""
    try:
        return await handler(request)
    except InvalidControlRequest as invalid:
        return web.json_response({"error": str(invalid)}, status=400)


async def received(request: web.Request, what: str, fields: Fields | type) -> dict[str, Any]:
    """The body of a request, an object with some of these fields, or of those of a dataclass."""
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError) as problem:
        raise InvalidControlRequest("The body must be JSON.") from problem
    return checked(what, given, fields_of(fields) if isinstance(fields, type) else fields)
