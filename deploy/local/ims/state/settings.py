"""How the emulated image service behaves; what is not published can be set either way.

Refusals have the form of `errors.ANSWER`, such as "400 IMG.0027", or "404" for one without a body.
"""

from dataclasses import dataclass
from typing import Annotated

from deploy.local.ims.errors import ANSWER
from deploy.local.ims.fields import FLAG, at_least, matching, one_of, optional, whole_number
from deploy.local.ims.limits import LIMITS

LENGTH = optional(whole_number(1, 999))
REFUSAL = matching(ANSWER.pattern, 'a status from 400 with or without a code, such as "400 IMG.0027"')
TRACE_NAME = matching("[A-Za-z]{1,64}", "a name of letters")
_PATH = r"[A-Za-z_]+(?:\.[A-Za-z_]+)*"
_PLACE = rf"(?:resource_id|response\.{_PATH})"
PATH = matching(_PATH, "the path of a member, such as entities.image_id")
PLACES = matching(
    rf"{_PLACE}( {_PLACE})*", "resource_id, or paths such as response.entities.image_id, or several"
)


@dataclass(frozen=True)
class Settings:
    active_after: Annotated[float, at_least(0)] = 0
    """Seconds from an image's creation until it is active; applies to what is under way already."""
    clock_ahead: Annotated[float, at_least(-(10**6))] = 0
    """Seconds by which the clock of the cloud is ahead of this machine's."""
    limits: Annotated[str, one_of(*LIMITS)] = "common"
    """The published variant of what a tag can be. The next six say where a cloud differs; None: nowhere."""
    key_length: Annotated[int | None, LENGTH] = None
    value_length: Annotated[int | None, LENGTH] = None
    dots_in_keys: Annotated[bool | None, optional(FLAG)] = None
    """In a key given apart from its value."""
    dots_in_values: Annotated[bool | None, optional(FLAG)] = None
    tags_max: Annotated[int | None, LENGTH] = None
    """Tags that one image can have."""
    malformed_tag: Annotated[str, REFUSAL] = "400 IMG.0115"
    full_image: Annotated[str, REFUSAL] = "400 IMG.0116"
    """What refuses one tag more than an image can have."""
    unknown_image_shown: Annotated[str, REFUSAL] = "404"
    """What a query for an image that does not exist is refused with."""
    unknown_image_tagged: Annotated[str, REFUSAL] = "400 IMG.0027"
    """What tagging an image that does not exist is refused with."""
    unknown_job: Annotated[str, REFUSAL] = "400 IMG.0023"
    taggable_before_active: Annotated[bool, FLAG] = True
    """In which states the real service tags an image is not published."""
    readable_after: Annotated[float, at_least(0)] = 0
    """Seconds until a change of the tags can be read."""
    batch_call: Annotated[bool, FLAG] = True
    """Whether the gateway knows the call that writes or deletes several tags."""
    tag_separator: Annotated[str, one_of("=", ".")] = "="
    """Between key and value, where an image object lists tags as texts."""
    page_info: Annotated[bool, FLAG] = False
    """Whether a list of images names the marker of the next page: only Huawei Cloud publishes that."""
    jobs_fail: Annotated[bool, FLAG] = False
    """Whether jobs that begin from now on fail in the end."""
    job_image_id: Annotated[str, PATH] = "entities.image_id"
    """Where the answer about a job of one image has the id of the image."""
    traces: Annotated[str, one_of("in order", "reversed", "first only", "second only")] = "in order"
    """Which of the two traces of such a job come, and when."""
    creation_trace: Annotated[str, TRACE_NAME] = "createImage"
    """The name of the traces of a job that creates an image, unless it copies one."""
    first_trace_names_image: Annotated[bool, FLAG] = False
    """Whether the first trace of such a job has the image as its resource."""
    image_id_in_trace: Annotated[str, PLACES] = "resource_id response.entities.image_id"
    """Where the second trace of a job of one image has its id."""
    copy_resource: Annotated[str, one_of("source", "copy")] = "source"
    """Which image the traces of a copy have as their resource; in the cloud it is not published."""
    trace_tagging: Annotated[str, TRACE_NAME] = "none"
    """The name of the trace that adding tags leaves; which one it is in the cloud is not published.

    Deleting tags leaves `deleteTag` where this is `addTag`, and otherwise the same trace as adding them.
    """
