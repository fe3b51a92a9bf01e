"""The part of the control plane that scripts faults."""

import re
from dataclasses import asdict
from typing import Any

from aiohttp import web

from deploy.local.ims.control.fields import (
    Fields,
    InvalidControlRequest,
    at_least,
    checked,
    is_number,
    is_object,
    is_text,
    one_of,
)
from deploy.local.ims.control.requests import received
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.gateway.faults import CHANGING, REPLACING

routes = web.RouteTableDef()


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_line(value: Any) -> bool:
    return is_text(value) and value.isprintable()


def _are_headers(value: Any) -> bool:
    return is_object(value) and all(
        re.fullmatch("[A-Za-z0-9-]+", name) and _is_line(line) for name, line in value.items()
    )


FAULT: Fields = {
    "match": (is_object, "an object"),
    "times": (_is_count, "a whole number of at least 1"),
    "share": (lambda share: is_number(share) and 0 < share <= 1, "a number above 0 and up to 1"),
    "seed": (lambda seed: isinstance(seed, int), "a whole number"),
    "status": (lambda status: _is_count(status) and status in range(200, 600), "a status from 200 to 599"),
    "code": (lambda code: is_text(code) or _is_count(code), "text or a whole number"),
    "message": (is_text, "text"),
    "shape": one_of("ims", "gateway"),
    "retry_after": (
        lambda after: is_number(after) or _is_line(after),
        "a number of seconds or a line of text",
    ),
    "headers": (_are_headers, "an object of lines of text, under names of headers"),
    "body": (is_text, "text"),
    "content_type": (_is_line, "a line of text"),
    "delay": at_least(0),
    "after": one_of("before", "after"),
    "transport": one_of("close", "reset", "half", "garbage", "slow"),
}
MATCH: Fields = {"method": (is_text, "text"), "path": (is_text, "text"), "image_id": (is_text, "text")}


@routes.post("/_emulator/faults")
async def add_fault(request: web.Request) -> web.Response:
    script = _script(await received(request, "A fault", FAULT))
    return web.json_response({"id": request.app[EMULATOR].faults.add(script).id}, status=201)


@routes.get("/_emulator/faults")
async def show_faults(request: web.Request) -> web.Response:
    """Every fault with how often it was applied."""
    faults = request.app[EMULATOR].faults
    return web.json_response({"faults": [asdict(fault) for fault in faults]})


@routes.delete("/_emulator/faults")
async def clear_faults(request: web.Request) -> web.Response:
    request.app[EMULATOR].faults.clear()
    return web.Response(status=204)


def _script(given: dict[str, Any]) -> dict[str, Any]:
    """What was given, now known to be a fault. Raises `InvalidControlRequest`."""
    checked("The match of a fault", given.get("match", {}), MATCH)
    effects = REPLACING | CHANGING
    if not effects & given.keys():
        raise InvalidControlRequest(f"A fault needs an effect: one of {', '.join(sorted(effects))}.")
    if "seed" in given and "share" not in given:
        raise InvalidControlRequest("A fault has a 'seed' only together with a 'share'.")
    if given.get("status") in {204, 304} and REPLACING & given.keys() != {"status"}:
        raise InvalidControlRequest("A fault with status 204 or 304 cannot have a body.")
    return given
