"""What recorded traces say: how the creation of an image, its copy and its tags are traced. Pure."""

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from handlers.commands.probe.keys import PREFIX
from handlers.commands.probe.places import places_of
from handlers.commands.probe.switches import TRACE_NAME
from handlers.core.events import cts
from handlers.core.json_access import Json, lower_string, string
from handlers.core.times import parse_time

OTHERS = {
    *("updateImage", "deleteImage", "exportImage", "addTag", "deleteTag"),
    *("addMember", "updateMember", "deleteMember", "deleteMemeber"),
}
"""Documented operations that create no image."""


class Pair(NamedTuple):
    """The two traces of one job, as `cts.trace_in` reads them. first: {} if it is not recorded."""

    first: Json
    second: Json


def read(traces: Iterable[Json]) -> list[Json]:
    """The traces of the image service, as `cts.trace_in` reads them."""
    found = map(cts.trace_in, traces)
    return [
        trace
        for trace in found
        if isinstance(trace.get("trace_name"), str) and lower_string(trace, "service_type") == "ims"
    ]


def names(traces: Iterable[Json]) -> list[str]:
    """The names of operations, sorted."""
    return sorted({trace["trace_name"] for trace in traces if TRACE_NAME(trace["trace_name"])})


def bodies(traces: Iterable[Json]) -> str | None:
    """As what requests and responses come; traces: as the service lists them."""
    for trace in traces:
        for body in (trace.get("response"), trace.get("request")):
            if body:
                return "objects" if isinstance(body, dict) else "text"
    return None


def pairs(traces: list[Json], *, copies: bool) -> Iterator[Pair]:
    """The traces of jobs that created an image, or that copied one, in the order of the second traces."""
    firsts = {_job(trace): trace for trace in traces if not _is_of_system(trace) and _job(trace)}
    for trace in traces:
        wanted = trace["trace_name"] == cts.COPY if copies else trace["trace_name"] not in {cts.COPY, *OTHERS}
        if wanted and _is_of_system(trace) and _job(trace):
            yield Pair(firsts.get(_job(trace), {}), trace)


def newest_creation(traces: list[Json], ids: Collection[str]) -> Pair | None:
    """The traces of the newest job that created one image, which still exists. ids: of such images."""
    for pair in pairs(traces, copies=False):
        places = _places(pair.second, ids)
        if places and not any("sub_jobs" in place for place in places):
            return pair
    return None


def creation(pair: Pair, ids: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The switches, and what is for people, of the creation of an image."""
    places = _places(pair.second, ids)
    values: dict[str, Any] = {"creation_trace": pair.second["trace_name"]}
    if shared := [place for place in places if place.startswith(("resource_id", "response."))]:
        values["image_id_in_trace"] = " ".join(shared)
    if pair.first:
        values["first_trace_names_image"] = bool(_places(pair.first, ids))
    return values, {"image_id_places": places, **_people(pair)}


def copy_resource(traces: list[Json], images: Iterable[Json]) -> str | None:
    """Whether the traces of a copy have the source or the copy as their resource; None if none says it."""
    images = list(images)
    ids = {image["id"] for image in images}
    sources = {string(image, "__originalimagename") for image in images} - {None}
    for first, second in pairs(traces, copies=True):
        resource = string(second, "resource_id") or (string(first, "resource_id") if first else None)
        made = [each for each in ids if places_of(second["response"], {each})]
        if resource and made:
            return "copy" if resource in made else "source"
        name = string(second, "resource_name")
        wanted = string(first["request"], "name") if first else None
        if name and wanted:
            return "copy" if name == wanted and resource not in sources else "source"
    return None


def tagging(traces: Iterable[Json], image_id: str, since: float) -> str | None:
    """The name of the trace that the probe's tag on this image has left.

    since: the earliest time that the trace can have, in seconds since the epoch.
    """
    for trace in traces:
        at = parse_time(trace.get("time")) or parse_time(trace.get("record_time"))
        if at is None or at.timestamp() < since or trace["trace_name"].startswith("delete"):
            continue
        named = places_of({"resource_id": trace.get("resource_id"), "request": trace["request"]}, {image_id})
        if named and (not trace["request"] or PREFIX in json.dumps(trace["request"])):
            return str(trace["trace_name"])
    return None


def _people(pair: Pair) -> dict[str, Any]:
    user = string(pair.second["user"], "name", "user_name") or ""
    found: dict[str, Any] = {
        "creator_in_second_trace": "none" if not user else "service" if "/" in user else "user"
    }
    if pair.first:
        found["creator_in_first_trace"] = bool(string(pair.first["user"], "name", "user_name"))
        times = [parse_time(trace.get("time")) for trace in pair]
        if times[0] and times[1]:
            found["seconds_between_traces"] = round((times[1] - times[0]).total_seconds(), 1)
    return found


def _places(trace: Json, ids: Collection[str]) -> list[str]:
    """Where a trace has an image's id, but for what the caller wrote into the request."""
    return places_of({name: value for name, value in trace.items() if name != "request"}, ids)


def _job(trace: Json) -> str:
    job = cts.job_of(trace)
    return job[1] if job else ""


def _is_of_system(trace: Json) -> bool:
    return trace.get("trace_type") == "SystemAction"
