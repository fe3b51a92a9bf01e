"""What can go wrong at the tag API, as buttons, and what is armed."""

from typing import Any

from aiohttp import web

from deploy.local.console.views.page import doors_of, given
from deploy.local.stack import PROJECT_ID

routes = web.RouteTableDef()

FAULTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "throttle": ("Throttle", "429, Retry-After 2 s", {"status": 429, "code": "APIG.0308", "retry_after": 2}),
    "unavailable": ("Unavailable", "503", {"status": 503}),
    "not-ready": ("Not ready", "400 IMG.0046", {"status": 400, "code": "IMG.0046"}),
    "no-rights": ("No rights", "403 IMG.0067", {"status": 403, "code": "IMG.0067"}),
    "quota": ("Quota", "400 IMG.0116", {"status": 400, "code": "IMG.0116"}),
    "slow": ("Slow", "5 s later", {"delay": 5}),
    "broken": ("Broken connection", "reset", {"transport": "reset"}),
}
"""By name: what its button says, what happens, and the fields of the fault."""

PATHS = ("/v1/cloudimages/tags", f"/v1/{PROJECT_ID}/images/")
"""Where tags are written, one by one or as a batch."""

MOST = 1000


def buttons() -> list[tuple[str, str, str]]:
    return [(name, title, what) for name, (title, what, _) in FAULTS.items()]


def armed(faults: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that still apply, each with how often it did."""
    left = [each for each in faults if each["times"] is None or each["applied"] < each["times"]]
    return [each | {"title": _title(each)} for each in left]


@routes.get("/faults")
async def show_faults(request: web.Request) -> web.Response:
    doors = await doors_of(request)
    return web.json_response({"armed": armed((await doors.emulator.control("GET", "faults"))["faults"])})


@routes.post("/faults/{name}")
async def arm(request: web.Request) -> web.Response:
    """The next so many calls that write tags go wrong."""
    doors, asked = await doors_of(request), await given(request)
    if request.match_info["name"] == "clear":
        await doors.emulator.control("DELETE", "faults")
        return web.json_response({"message": "No fault is armed."})
    title, _, fields = FAULTS[request.match_info["name"]]
    times = asked.get("times")
    if not isinstance(times, int) or not 1 <= times <= MOST:
        return web.json_response({"error": f"Say how often: from 1 to {MOST}."}, status=400)
    batch = doors.stack.settings.get("TAG_FORM") == "batch"
    await doors.emulator.control(
        "POST", "faults", {**fields, "times": times, "match": {"path": PATHS[batch]}}
    )
    return web.json_response({"message": f"{title}: the next {times} calls that write tags."})


def _title(fault: dict[str, Any]) -> str:
    for title, _, fields in FAULTS.values():
        if all(fault.get(name) == value for name, value in fields.items()):
            return title
    return str(fault.get("code") or fault.get("status") or "fault")
