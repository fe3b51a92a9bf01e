"""The part of the control plane that is about the memory of Cloud Trace Service.

    PUT /_emulator/traces/settings
    {"on": true, "loss": 0.05, "doubles": 0.1, "delay": 60, "seed": 7, "bodies": "objects",
     "marker_on_last_page": true}

    POST /_emulator/traces
    {"traces": [{"time": 1767608130000, "trace_name": "createImage", "resource_id": "IMAGE",
                 "user": {"name": "grace@example.com"}}]}

`loss` and `doubles` are shares of what happens from then on; `delay` is in seconds. A trace that is put in
is neither lost nor delayed. Nothing of it is mandatory: `time`, in milliseconds, is now, and it is in the
project of the first token. Who gives `"user": null` gets a trace without a user.
"""

from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

from aiohttp import web

from deploy.local.ims.control.requests import received
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.fields import Fields, is_object, is_text
from deploy.local.ims.state import PROJECT_ID, USER
from deploy.local.ims.state.traces import TraceSettings

routes = web.RouteTableDef()


def _is_trace(given: Any) -> bool:
    return (
        is_object(given)
        and isinstance(given.get("time", 0), int)
        and all(is_text(given.get(name, "")) for name in ("trace_id", "project_id"))
    )


TRACES: Fields = {
    "traces": (
        lambda traces: isinstance(traces, list) and all(map(_is_trace, traces)),
        "a list of objects whose 'time' is a whole number, and 'trace_id' and 'project_id' text",
    )
}


@routes.put("/_emulator/traces/settings")
async def change_settings(request: web.Request) -> web.Response:
    """What is not named stays as it is."""
    traces = request.app[EMULATOR].traces
    traces.change(
        replace(traces.settings, **await received(request, "The settings of traces", TraceSettings))
    )
    return web.json_response(asdict(traces.settings))


@routes.post("/_emulator/traces")
async def put_traces(request: web.Request) -> web.Response:
    """Their ids in the same order."""
    emulator = request.app[EMULATOR]
    given = (await received(request, "A batch of traces", TRACES)).get("traces", [])
    traces = [_completed(trace, int(emulator.cloud.clock() * 1000)) for trace in given]
    for trace in traces:
        emulator.traces.insert(trace)
    return web.json_response({"ids": [trace["trace_id"] for trace in traces]}, status=201)


@routes.get("/_emulator/traces")
async def show_traces(request: web.Request) -> web.Response:
    """All that were recorded, of all projects and however old, the oldest first."""
    recorded = [{"project_id": each.project_id, **each.trace} for each in request.app[EMULATOR].traces]
    return web.json_response({"traces": recorded})


def _completed(given: dict[str, Any], now: int) -> dict[str, Any]:
    time = given.get("time", now)
    return {
        "trace_id": str(uuid4()),
        "trace_name": "createImage",
        "trace_type": "ApiCall",
        "trace_rating": "normal",
        "service_type": "IMS",
        "resource_type": "ims",
        "project_id": PROJECT_ID,
        "user": dict(USER),
        "time": time,
        "record_time": time,
        **given,
    }
