"""What the emulated calls share: reading a request."""

import json
import re
from typing import Any, TypeVar

from aiohttp import web

from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.errors import Refused
from deploy.local.ims.events import ApiCall
from deploy.local.ims.gateway.middleware import CALLER
from deploy.local.ims.limits import Limits

T = TypeVar("T")


def own_project(request: web.Request) -> str:
    """The project in the path, which has to be the caller's; the code is inferred."""
    project_id = request.match_info["project_id"]
    if project_id != request[CALLER].project_id:
        raise Refused("IMG.0067")
    return project_id


def api_call(request: web.Request, given: dict[str, Any]) -> ApiCall:
    clock = request.app[EMULATOR].cloud.clock
    return ApiCall(request[CALLER], request.remote or "", clock(), given)


async def json_object(request: web.Request) -> dict[str, Any]:
    """Raises `Refused`: IMG.0007 for no body, IMG.0001 for one that is no JSON object."""
    body = await request.read()
    if not body:
        raise Refused("IMG.0007")
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise Refused("IMG.0001") from problem
    if not isinstance(given, dict):
        raise Refused("IMG.0001")
    return given


def text(given: dict[str, Any], name: str) -> str:
    """A field that has to be there as text (IMG.0001)."""
    value = given.get(name)
    if not isinstance(value, str):
        raise Refused("IMG.0001")
    return value


def number(written: str, code: str) -> int:
    """A number as a query has it. Raises `Refused` with this code."""
    if not re.fullmatch("[0-9]{1,13}", written):
        raise Refused(code)
    return int(written)


def members(given: dict[str, Any], name: str, kind: type[T]) -> list[T]:
    """A field that has to be there as a list of this kind (IMG.0001)."""
    values = given.get(name)
    if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
        raise Refused("IMG.0001")
    return values


def pair(given: Any, limits: Limits) -> tuple[str, str]:
    """A tag as key and value. Raises `Refused` (IMG.0001, IMG.0115)."""
    if not isinstance(given, dict):
        raise Refused("IMG.0001")
    return limits.of_pair(text(given, "key"), text(given, "value"))
