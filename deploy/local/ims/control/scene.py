"""The part of the control plane that sets how the service behaves, shows what happened, and resets all."""

from dataclasses import asdict, replace

from aiohttp import web

from deploy.local.ims.control.fields import Fields, at_least, is_flag, is_number, matching, one_of
from deploy.local.ims.control.requests import received
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.errors import ANSWER
from deploy.local.ims.gateway.rate import Rate
from deploy.local.ims.limits import LIMITS

routes = web.RouteTableDef()

LONGEST = 1000
LENGTH = (
    lambda length: isinstance(length, int) and not isinstance(length, bool) and 0 < length < LONGEST,
    f"a whole number from 1 to {LONGEST - 1}",
)
REFUSAL = matching(ANSWER.pattern, 'a status from 400 with or without a code, such as "400 IMG.0027"')
TRACE_NAME = matching("[A-Za-z]{1,64}", "a name of letters")
_PATH = r"[A-Za-z_]+(?:\.[A-Za-z_]+)*"
_PLACE = rf"(?:resource_id|response\.{_PATH})"
SETTINGS: Fields = {
    "active_after": at_least(0),
    "clock_ahead": at_least(-(10**6)),
    "limits": one_of(*LIMITS),
    "key_length": LENGTH,
    "value_length": LENGTH,
    "dots_in_keys": (is_flag, "true or false"),
    "dots_in_values": (is_flag, "true or false"),
    "tags_max": LENGTH,
    "malformed_tag": REFUSAL,
    "full_image": REFUSAL,
    "unknown_image_shown": REFUSAL,
    "unknown_image_tagged": REFUSAL,
    "unknown_job": REFUSAL,
    "taggable_before_active": (is_flag, "true or false"),
    "readable_after": at_least(0),
    "batch_call": (is_flag, "true or false"),
    "tag_separator": one_of("=", "."),
    "page_info": (is_flag, "true or false"),
    "jobs_fail": (is_flag, "true or false"),
    "job_image_id": matching(f"{_PATH}", "the path of a member, such as entities.image_id"),
    "traces": one_of("in order", "reversed", "first only", "second only"),
    "creation_trace": TRACE_NAME,
    "first_trace_names_image": (is_flag, "true or false"),
    "image_id_in_trace": matching(
        rf"{_PLACE}( {_PLACE})*", "resource_id, or paths such as response.entities.image_id, or several"
    ),
    "copy_resource": one_of("source", "copy"),
    "trace_tagging": TRACE_NAME,
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
