"""The calls of the image service that tagging needs."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from handlers.core.errors import InvalidTag
from handlers.core.ims.tags import Tag

BATCH_MIN = 2
"""The fewest tags that are written as a batch. A single tag would gain nothing."""


class Call(NamedTuple):
    """A call of the image service; body: the JSON that it sends."""

    method: str
    path: str
    body: dict[str, Any] | None = None


def image_call(image_id: str) -> Call:
    """The call that describes an image."""
    # GET /v2/images/{image_id} (IMS API reference, "Querying Image Details (Native OpenStack API)"). It is
    # the one call for tags that needs no project, and no right that writing does not need.
    return Call("GET", f"/v2/images/{image_id}")


def job_call(project_id: str, job_id: str) -> Call:
    """The call that asks for a job."""
    # GET /v1/{project_id}/jobs/{job_id} (IMS API reference, "Asynchronous Job Query")
    return Call("GET", f"/v1/{project_id}/jobs/{job_id}")


def tags_path(project_id: str, image_id: str) -> str:
    """Where the tags of an image are listed, and below which they are written in a batch and deleted."""
    return f"/v2/{project_id}/images/{image_id}/tags"


def with_query(path: str, query: Mapping[str, str]) -> str:
    """The path of a call with a query."""
    return f"{path}?{urlencode(query)}" if query else path


def tag_call(image_id: str, tag: Tag, tag_form: str) -> Call:
    """The call that adds one tag, as text for the form "tag", otherwise with key and value apart.

    Raises InvalidTag for a key that the form cannot carry.
    """
    # PUT /v1/cloudimages/tags (IMS API reference, "Adding or Modifying a Tag")
    form: dict[str, Any] = {"image_tag": tag._asdict()}
    if tag_form == "tag":
        if "." in tag.key:
            raise InvalidTag(f'the API splits "{tag.key}" at its dot; use TAG_FORM=image_tag', key=tag.key)
        form = {"tag": f"{tag.key}.{tag.value}"}
    return Call("PUT", "/v1/cloudimages/tags", {"image_id": image_id, **form})


def tag_calls(image_id: str, tags: Sequence[Tag], tag_form: str) -> list[Call | InvalidTag]:
    """A call for each tag, or the reason why the form cannot carry it."""
    calls = list[Call | InvalidTag]()
    for tag in tags:
        try:
            calls.append(tag_call(image_id, tag, tag_form))
        except InvalidTag as error:
            calls.append(error)
    return calls


def batch_call(project_id: str, image_id: str, tags: Sequence[Tag]) -> Call:
    """The call that adds several tags with different keys. It changes nothing if they exist already.

    project_id, image_id: parts of a path, so they must be ids and not arbitrary text of an event.
    """
    # POST /v2/{project_id}/images/{image_id}/tags/action (IMS API reference, "Adding or Deleting Image Tags
    # in a Batch")
    body = {"action": "create", "tags": [tag._asdict() for tag in tags]}
    return Call("POST", f"{tags_path(project_id, image_id)}/action", body)
