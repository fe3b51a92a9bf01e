"""Traces of Cloud Trace Service (CTS): which say that an image was created, and where its fields are.

Cloud Trace Service documents the fields of a trace (user guide, "Trace Structure"), and IMS the names of its
operations ("IMS Operations Audited by CTS"). No genuine `createImage` trace is published. Where its image id
is, is inferred from the traces of other services and from the answer about an IMS job.

One asynchronous call leaves two traces (user guide, FAQ). We infer that this is so for images as well: the
first names the creator and often only a job, and the second, by the system, names the image but no creator.
"""

import re
from collections.abc import Collection
from datetime import datetime

from handlers.core.errors import InvalidEvent
from handlers.core.events.jobs import images_of_job, named
from handlers.core.events.recognised import CreationSignals, ImageJob, OtherEvent, Recognised, created
from handlers.core.json_access import (
    Json,
    lower_string,
    object_or_empty,
    project_of,
    rfc3339,
    string,
    uuids_at,
    without_empty,
)
from handlers.core.times import parse_time

# It becomes a part of a path of the API, so it must be a plain name.
_JOB = re.compile(r"[0-9A-Za-z-]{1,64}")

COPY = "copyImage"
"""The operation whose trace names two images. What it has as its resource is not published: it may be the
source."""

CREATIONS = ("createImage", COPY)
"""The operations that are known to create images."""

IDS = ("resource_id", *(f"response.{path}" for path in ("entities.image_id", "image_id", "id", "image.id")))
"""Where a trace has the id of its image, the surest first."""


def read(event: Json, data: Json, signals: CreationSignals) -> Recognised | None:
    """Reads a trace that is the data of an event; None if there is no trace."""
    if not (trace := trace_in(data)):
        return None
    if why := why_not_created(trace, signals.trace_names):
        return OtherEvent(why)
    at = event_time(trace, event)
    fields = image_fields(trace, at)
    # Of the two traces of a creation, the system's knows who made the image least of all, whenever it comes.
    system = trace.get("trace_type") == "SystemAction"
    if images := images_of(trace):
        return [created(event, fields | image, at, fills_in=system) for image in images]
    if job := job_of(trace):
        return ImageJob(event, at, *job, fields, fills_in=system)
    raise InvalidEvent(
        "the trace of a created image holds neither an image id, which is a UUID, nor the id of a job"
    )


def trace_in(data: Json) -> Json:
    """The trace in an event's data, also as a trigger wraps it; {} if there is none.

    CTS documents `request`, `response` and `user` as text, and also publishes objects. Here they are objects.
    """
    trace = object_or_empty(data.get("cts")) or data
    if not {"trace_name", "service_type"} <= trace.keys():
        return {}
    return trace | {
        "request": object_or_empty(trace.get("request")),
        "response": object_or_empty(trace.get("response")),
        "user": object_or_empty(trace.get("user")),
    }


def why_not_created(trace: Json, names: Collection[str]) -> str:
    """Why a trace, read by `trace_in`, is not about a created image; "" if it is.

    names: the operations that create images.
    """
    if lower_string(trace, "service_type") != "ims":
        return "the trace is of another service than IMS"
    if lower_string(trace, "resource_type") not in {"ims", "image"}:
        return "the trace is of another resource than an image"
    # Tagging leaves traces of its own, addTag or updateImage. Taking one for a creation would start a loop.
    if trace.get("trace_name") not in names:
        return "the trace is of an operation that is none of IMAGE_CREATED_TRACES"
    if trace.get("read_only") is True:
        return "the trace is of a call that only reads"
    response, states = (
        trace["response"],
        {lower_string(trace, "trace_rating"), lower_string(trace, "trace_status")},
    )
    failed = not states <= {"normal", ""} or lower_string(response, "status") == "fail"
    return "the creation failed" if failed or response.get("error_code") else ""


def event_time(trace: Json, event: Json) -> datetime | None:
    for time in (trace.get("time"), trace.get("record_time"), event.get("time")):
        if at := parse_time(time):
            return at
    return None


def image_fields(trace: Json, at: datetime | None) -> Json:
    """The fields that all images of a trace share."""
    response = trace["response"]
    return without_empty(
        {
            "name": string(trace["request"], "name")
            if trace["trace_name"] == COPY
            else string(trace, "resource_name") or string(trace["request"], "name"),
            "project_id": string(trace, "project_id"),
            # The two traces of a creation may be of different days. The second says when its job began.
            "created_at": rfc3339(parse_time(response.get("begin_time")) or at),
            "os_type": string(trace["request"], "__os_type", "os_type") or string(response, "__os_type"),
            "creator": _creator_of(trace),
        }
    )


def images_of(trace: Json) -> list[Json]:
    """The id and the name of each image. Most creations have one; imports and data disks may have several."""
    made = images_of_job(trace["response"])
    single = next(uuids_at(trace, *(IDS[1:] if trace["trace_name"] == COPY else IDS)), None)
    # The resource of a trace of several images is not known. It must not hide the other images.
    several = len(made) > 1
    if several or not single:
        return made
    return [{"id": single} | named(object_or_empty(trace["response"].get("entities")))]


def job_of(trace: Json) -> tuple[str | None, str] | None:
    """The project, if the trace names it, and the id of the job that creates the image."""
    job_id = string(trace["response"], "job_id")
    return (project_of(trace, "project_id"), job_id) if job_id and _JOB.fullmatch(job_id) else None


_KINDS = {"User": "user", "AssumedAgency": "agency", "ExternalUser": "federated"}

_TOOLS = {
    "packer": ("packer",),
    "terraform": ("terraform", "opentofu"),
    "ci": ("gitlab", "github", "jenkins", "buildkite", "circleci"),
}
"""Tools, by words in the user agent or in the session name of an agency."""


_TOOL_TEXT_MAX = 1000
"""Characters that are searched for such a word."""


def creator_of(user: Json) -> Json:
    """The creator in a `user` (CTS API reference, "UserInfo"; older forms have only name, id and domain)."""
    name = string(user, "name", "user_name")
    # If there is no type, the name of an agency has the form "account/agency".
    kind = _KINDS.get(string(user, "type") or "") or ("agency" if name and "/" in name else None)
    domain = string(object_or_empty(user.get("domain")), "name")
    return without_empty(
        {"kind": kind, "name": name, "id": string(user, "id", "principal_id"), "domain": domain}
    )


def _creator_of(trace: Json) -> Json:
    if trace.get("trace_type") == "SystemAction":
        # It has no user. In a published sample, the user is a service.
        return {"kind": "service"}
    urn, _, session = (string(trace["user"], "principal_urn") or "").partition("/")
    # The session of anybody but an agency is a person's name.
    text = f"{string(trace, 'user_agent') or ''} {session if ':assumed-agency:' in urn else ''}"
    words = set(re.findall("[a-z0-9]+", text[:_TOOL_TEXT_MAX].lower()))
    console = "console" if trace.get("trace_type") == "ConsoleAction" else None
    tool = next((tool for tool, marks in _TOOLS.items() if not words.isdisjoint(marks)), console)
    return creator_of(trace["user"]) | without_empty({"tool": tool})
