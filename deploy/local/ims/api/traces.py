"""The emulated call of Cloud Trace Service: "Cloud Trace Service API reference", "Querying a Trace List".

Inferred are: that `trace_type` may be left out, which the two clouds document differently; that a query in
another form, `from` without `to`, and a `next` that is no trace are refused, and their code; that `trace_id`
finds what is seven days old at most; that a project other than the caller's is refused like a missing right;
and the order of traces of the same moment.
"""

import json
import math
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from aiohttp import web

from deploy.local.ims.api.requests import number
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.errors import Refused
from deploy.local.ims.gateway.middleware import CALLER
from deploy.local.ims.state import Traces
from deploy.local.ims.state.traces import Trace

LIMIT = 10
"""Traces of a page where the query does not say how many."""
LARGEST_LIMIT = 200
WINDOW = 3600.0
"""Seconds back from now that a query without `from` and `to` looks at."""
FILTERS: Mapping[str, Callable[[Trace], Any]] = {
    "service_type": lambda trace: trace.get("service_type"),
    "resource_type": lambda trace: trace.get("resource_type"),
    "resource_id": lambda trace: trace.get("resource_id"),
    "resource_name": lambda trace: trace.get("resource_name"),
    "trace_name": lambda trace: trace.get("trace_name"),
    "trace_rating": lambda trace: trace.get("trace_rating"),
    "enterprise_project_id": lambda trace: trace.get("enterprise_project_id"),
    "user": lambda trace: _of_user(trace, "name"),
    "access_key_id": lambda trace: _of_user(trace, "access_key_id"),
    "tracker_name": lambda _: "system",
}

routes = web.RouteTableDef()


@routes.get("/v3/{project_id}/traces")
async def list_traces(request: web.Request) -> web.Response:
    emulator, project_id = request.app[EMULATOR], request.match_info["project_id"]
    if project_id != request[CALLER].project_id:
        raise Refused("CTS.0013")
    query = {name: request.query[name] for name in request.query}
    page, more = _page(emulator.traces, project_id, query, emulator.cloud.clock())
    if not page and "trace_id" in query:
        raise web.HTTPNotFound(text="")
    settings = emulator.traces.settings
    marker = page[-1]["trace_id"] if page and (more or settings.marker_on_last_page) else None
    shown = [_with_objects(trace) for trace in page] if settings.bodies == "objects" else page
    return web.json_response({"meta_data": {"count": len(page), "marker": marker}, "traces": shown})


def _page(traces: Traces, project_id: str, query: dict[str, str], now: float) -> tuple[list[Trace], bool]:
    """The traces that a query names, and whether older ones follow. Raises `Refused`."""
    if trace_id := query.get("trace_id"):
        kept = traces.newest_first(project_id, -math.inf, math.inf)
        return [trace for trace in kept if trace["trace_id"] == trace_id], False
    wanted = dict(query)
    kind, marker = wanted.pop("trace_type", "system"), wanted.pop("next", None)
    limit = number(wanted.pop("limit", str(LIMIT)), "CTS.0003")
    after, before = _window(wanted.pop("from", None), wanted.pop("to", None), now)
    if kind not in {"system", "data"} or not 1 <= limit <= LARGEST_LIMIT:
        raise Refused("CTS.0003")
    if unknown := wanted.keys() - FILTERS.keys():
        raise web.HTTPNotImplemented(text=f"The emulator does not know: {', '.join(sorted(unknown))}.")
    try:
        found = traces.newest_first(project_id, after, before, marker)
    except LookupError as problem:
        raise Refused("CTS.0003") from problem
    fitting = (trace for trace in found if kind == "system" and _fits(trace, wanted))
    return list(islice(fitting, limit)), next(fitting, None) is not None


def _window(after: str | None, before: str | None, now: float) -> tuple[int, int]:
    """In milliseconds since the epoch."""
    if after is None and before is None:
        return int((now - WINDOW) * 1000), int(now * 1000) + 1
    if after is None or before is None:
        raise Refused("CTS.0003")
    return number(after, "CTS.0003"), number(before, "CTS.0003")


def _fits(trace: Trace, wanted: Mapping[str, str]) -> bool:
    return all(FILTERS[name](trace) == value for name, value in wanted.items())


def _of_user(trace: Trace, name: str) -> Any:
    """The traces of the system have no user."""
    user = trace.get("user")
    return user.get(name) if isinstance(user, dict) else None


def _with_objects(trace: Trace) -> Trace:
    """The same with JSON and numbers in the place of texts."""
    return trace | {name: _parsed(trace[name]) for name in ("request", "response", "code") if name in trace}


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError):
        return text
