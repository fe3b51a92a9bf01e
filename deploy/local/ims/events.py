"""The events that calls and jobs cause: traces of Cloud Trace Service (CTS) in EventGrid's envelope. Pure.

Envelope: "EventGrid user guide". Trace: "Cloud Trace Service user guide", pages "Trace Structure" and, for
the two traces of one asynchronous operation, "FAQs". Names: "Image Management Service user guide", page
"IMS Operations Audited by CTS".

No genuine trace of an IMS createImage is published, and no text that holds HC.IMS or IMS:CloudTrace: these
events are constructed from the documented fields and from what other services send. Whether a real event's
id equals its trace's id is not known: here they differ, so that nothing comes to rely on it. Whether there
is a subject is not known either: there is none.
"""

import json
from typing import Any, NamedTuple
from uuid import uuid4

from deploy.local.ims.state import Image, Job, Token
from deploy.local.ims.state.jobs import utc, with_image_id_at

Event = dict[str, Any]


class ApiCall(NamedTuple):
    """A call that leaves a trace."""

    caller: Token
    source_ip: str
    moment: float
    """Seconds since the epoch."""
    body: dict[str, Any]


def image_created(call: ApiCall, image: Image, reply: dict[str, Any]) -> Event:
    """Of the native call, which makes the image at once."""
    return _called(
        call,
        trace_name="createImage",
        resource_type="image",
        resource_id=image.id,
        resource_name=image.attributes["name"],
        response=json.dumps(reply),
        code="201",
    )


def creation_requested(call: ApiCall, job: Job) -> Event:
    """The first trace of a job: who asked for it. Whether it has the image's id is a setting."""
    named = job.settings.first_trace_names_image
    return _called(
        call,
        **_operation(job, image_id=job.images[0].id if named else None),
        response=json.dumps({"job_id": job.id}),
        code="200",
    )


def creation_ended(job: Job, answer: dict[str, Any], moment: float) -> Event:
    """The second: what came of it, as the query of the job answers it. CTS documents that it has no user.

    Where it has the id of the image is a setting. It has no request and no code, so that nothing comes to
    rely on them.
    """
    image_id = answer["entities"].get("image_id")
    places = job.settings.image_id_in_trace.split()
    if image_id is not None:
        inner = [place.removeprefix("response.") for place in places if place != "resource_id"]
        answer = with_image_id_at(answer, *inner)
    return _event(
        "SystemAction",
        moment,
        trace_rating="warning" if answer["status"] == "FAIL" else "normal",
        **_operation(job, image_id=image_id if "resource_id" in places else None),
        project_id=job.project_id,
        user=None,
        source_ip="",
        response=json.dumps(answer),
    )


def image_changed(call: ApiCall, image: Image, operation: str) -> Event:
    """Of a call that deletes an image, or that writes or deletes its tags.

    `deleteImage`, `addTag` and `deleteTag` are documented for the native type, `updateImage` for both.
    """
    return _called(
        call,
        trace_name=operation,
        resource_type="ims" if operation == "updateImage" else "image",
        resource_id=image.id,
        resource_name=image.attributes["name"],
        response="",
        code="204",
    )


def _operation(job: Job, image_id: str | None) -> dict[str, Any]:
    """What both traces of a job have in common, and the id of the resource as far as it is known.

    A trace names one resource; that it is the first of several images is inferred. That of a copy may be the
    source or the copy, which is a setting: it is not published.
    """
    image = job.images[0]
    if job.source is not None and job.settings.copy_resource == "source":
        image, image_id = job.source, job.source.id
    operation = {
        "trace_name": job.settings.creation_trace if job.source is None else "copyImage",
        "resource_type": "ims",
        "resource_name": image.attributes["name"],
    }
    return operation | ({"resource_id": image_id} if image_id else {})


def _called(call: ApiCall, **trace: Any) -> Event:
    return _event(
        "ApiCall",
        call.moment,
        trace_rating="normal",
        project_id=call.caller.project_id,
        user=call.caller.user,
        source_ip=call.source_ip,
        request=json.dumps(call.body),
        **trace,
    )


def _event(trace_type: str, moment: float, **trace: Any) -> Event:
    milliseconds = int(moment * 1000)
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "HC.IMS",
        "type": f"IMS:CloudTrace:{trace_type}",
        "time": utc(moment),
        "datacontenttype": "application/json",
        "data": {
            "trace_id": str(uuid4()),
            "trace_type": trace_type,
            "service_type": "IMS",
            **trace,
            "read_only": False,
            "api_version": "1.0",
            "time": milliseconds,
            "record_time": milliseconds,
        },
    }
