"""How the emulated image service behaves; what is not published can be set either way.

Refusals have the form of `errors.ANSWER`, such as "400 IMG.0027", or "404" for one without a body.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    active_after: float = 0
    """Seconds from an image's creation until it is active; applies to what is under way already."""
    clock_ahead: float = 0
    """Seconds by which the clock of the cloud is ahead of this machine's."""
    limits: str = "common"
    """The published variant of what a tag can be. The next six say where a cloud differs; None: nowhere."""
    key_length: int | None = None
    value_length: int | None = None
    dots_in_keys: bool | None = None
    """In a key given apart from its value."""
    dots_in_values: bool | None = None
    tags_max: int | None = None
    """Tags that one image can have."""
    malformed_tag: str = "400 IMG.0115"
    full_image: str = "400 IMG.0116"
    """What refuses one tag more than an image can have."""
    unknown_image_shown: str = "404"
    """What a query for an image that does not exist is refused with."""
    unknown_image_tagged: str = "400 IMG.0027"
    """What tagging an image that does not exist is refused with."""
    unknown_job: str = "400 IMG.0023"
    taggable_before_active: bool = True
    """In which states the real service tags an image is not published."""
    readable_after: float = 0
    """Seconds until a change of the tags can be read."""
    batch_call: bool = True
    """Whether the gateway knows the call that writes or deletes several tags."""
    tag_separator: str = "="
    """Between key and value, where an image object lists tags as texts."""
    page_info: bool = False
    """Whether a list of images names the marker of the next page: only Huawei Cloud publishes that."""
    jobs_fail: bool = False
    """Whether jobs that begin from now on fail in the end."""
    job_image_id: str = "entities.image_id"
    """Where the answer about a job of one image has the id of the image."""
    traces: str = "in order"
    """Which of the two traces of such a job come, and when."""
    creation_trace: str = "createImage"
    """The name of the traces of a job that creates an image, unless it copies one."""
    first_trace_names_image: bool = False
    """Whether the first trace of such a job has the image as its resource."""
    image_id_in_trace: str = "resource_id response.entities.image_id"
    """Where the second trace of a job of one image has its id."""
    copy_resource: str = "source"
    """Which image the traces of a copy have as their resource; in the cloud it is not published."""
    trace_tagging: str = "none"
    """The name of the trace that adding tags leaves; which one it is in the cloud is not published.

    Deleting tags leaves `deleteTag` where this is `addTag`, and otherwise the same trace as adding them.
    """
