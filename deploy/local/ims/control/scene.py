"""The part of the control plane that sets how the service behaves, shows what happened, and resets all."""

from dataclasses import asdict, replace

from aiohttp import web

from deploy.local.ims.control.fields import Fields, at_least, is_flag, is_number, one_of
from deploy.local.ims.control.requests import received
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.gateway.rate import Rate
from deploy.local.ims.limits import LIMITS

routes = web.RouteTableDef()

SETTINGS: Fields = {
    "active_after": at_least(0),
    "taggable_before_active": (is_flag, "true or false"),
    "limits": one_of(*LIMITS),
    "jobs_fail": (is_flag, "true or false"),
    "traces": one_of("in order", "reversed", "first only", "second only"),
    "copy_resource": one_of("source", "copy"),
    "trace_tagging": one_of("none", "addTag", "updateImage"),
    "page_info": (is_flag, "true or false"),
    "clock_ahead": at_least(-(10**6)),
}
RATE: Fields = {
    "calls_per_second": (
        lambda rate: rate is None or (is_number(rate) and rate > 0),
        "a number above 0 or null",
    ),
    "retry_after": (
        lambda after: after is None or (is_number(after) and after >= 0),
        "a number of seconds or null",
    ),
}


@routes.put("/_emulator/settings")
async def change_settings(request: web.Request) -> web.Response:
    """What is not named stays as it is."""
    emulator = request.app[EMULATOR]
    changes = await received(request, "The settings", SETTINGS)
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
