"""How the emulated image service behaves; what is not published can be set either way."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    active_after: float = 0
    """Seconds from an image's creation until it is active; applies to what is under way already."""
    taggable_before_active: bool = True
    """In which states the real service tags an image is not published."""
    limits: str = "common"
    jobs_fail: bool = False
    """Whether jobs that begin from now on fail in the end."""
    traces: str = "in order"
    """Which of the two traces of such a job come, and when."""
    copy_resource: str = "source"
    """Which image the traces of a copy have as their resource; in the cloud it is not published."""
    trace_tagging: str = "none"
    """The name of the trace that adding tags leaves; which one it is in the cloud is not published.

    Deleting tags leaves `deleteTag` where this is `addTag`, and otherwise the same trace as adding them.
    """
    page_info: bool = False
    """Whether a list of images names the marker of the next page: only Huawei Cloud publishes that."""
    clock_ahead: float = 0
    """Seconds by which the clock of the cloud is ahead of this machine's."""
