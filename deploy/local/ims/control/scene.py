"""The part of the control plane that sets how the service behaves, scripts faults, shows what happened, and
resets all.
"""

from dataclasses import asdict, replace
from typing import Any

from aiohttp import web

from deploy.local.ims.control.requests import received
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.fields import Fields, InvalidControlRequest, at_least, checked, is_number, optional
from deploy.local.ims.gateway.faults import CHANGING, MATCH, REPLACING, Fault
from deploy.local.ims.gateway.rate import Rate
from deploy.local.ims.state import Settings

routes = web.RouteTableDef()

RATE: Fields = {
    "calls_per_second": optional((lambda rate: is_number(rate) and rate > 0, "a number above 0")),
    "retry_after": optional(at_least(0)),
}


@routes.put("/_emulator/settings")
async def change_settings(request: web.Request) -> web.Response:
    """What is not named stays as it is."""
    emulator = request.app[EMULATOR]
    changes = await received(request, "The settings", Settings)
    emulator.cloud.settings = replace(emulator.cloud.settings, **changes)
    emulator.finish_jobs()
    return web.json_response(asdict(emulator.cloud.settings))


@routes.put("/_emulator/rate-limit")
async def limit_rate(request: web.Request) -> web.Response:
    """The counts start again."""
    rate = Rate(**await received(request, "A rate limit", RATE))
    request.app[EMULATOR].rate = rate
    return web.json_response(rate.shown())


@routes.get("/_emulator/rate-limit")
async def show_rate(request: web.Request) -> web.Response:
    return web.json_response(request.app[EMULATOR].rate.shown())


@routes.post("/_emulator/faults")
async def add_fault(request: web.Request) -> web.Response:
    script = _script(await received(request, "A fault", Fault))
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


@routes.get("/_emulator/calls")
async def show_calls(request: web.Request) -> web.Response:
    """The newest calls of the emulated API, oldest first, and how many there were in all."""
    calls = request.app[EMULATOR].calls
    return web.json_response({"total": calls.total, "calls": [asdict(call) for call in calls]})


@routes.get("/_emulator/events")
async def show_events(request: web.Request) -> web.Response:
    """The newest events that calls and jobs caused, oldest first."""
    return web.json_response({"events": list(request.app[EMULATOR].events)})


@routes.post("/_emulator/reset")
async def reset(request: web.Request) -> web.Response:
    request.app[EMULATOR].reset()
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
