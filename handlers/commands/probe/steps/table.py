"""The steps of the probe, as data: what a person is told before they run, and how each runs."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from handlers.commands.probe.session import Session
from handlers.commands.probe.steps import reading, refusing, tagging, tracing

_LIST, _GET, _UPDATE, _TRACES = "ims:images:list", "ims:images:get", "ims:images:update", "cts:trace:list"


class Step(NamedTuple):
    """calls: in words. calls_max: without what a killed run may have left. rights: those that it uses.

    switches: what it may find. needs: the step without which it cannot run, or "". writes: only with --image.
    fills: only with --quota as well.
    """

    name: str
    title: str
    calls: Sequence[str]
    calls_max: int
    rights: Sequence[str]
    run: Callable[[Session], None]
    switches: Sequence[str]
    needs: str = ""
    writes: bool = False
    fills: bool = False


PUT, DELETE = "PUT /v1/cloudimages/tags", "DELETE /v2/PROJECT/images/IMAGE/tags/KEY"
ACTION = "POST /v2/PROJECT/images/IMAGE/tags/action"
SHOW, TRACES = "GET /v2/images/IMAGE", "GET /v3/PROJECT/traces"

STEPS = (
    Step(
        "identity",
        "the credentials and the project, with an image that does not exist",
        (SHOW,),
        4,
        (_GET,),
        reading.identity,
        ("unknown_image_shown",),
    ),
    Step(
        "images",
        "how images and their tags are listed",
        ("GET /v2/cloudimages", "GET /v2/PROJECT/images/IMAGE/tags"),
        3,
        (_LIST,),
        reading.images,
        ("tag_separator", "page_info"),
    ),
    Step(
        "traces",
        "Cloud Trace Service: how creations, copies and tags are recorded",
        (TRACES,),
        4,
        (_TRACES,),
        tracing.traces,
        ("traces_on", *tracing.OF_TRACES, *tracing.OF_CREATIONS),
    ),
    Step(
        "jobs",
        "the answer about a job, and about one that does not exist",
        ("GET /v1/PROJECT/jobs/JOB",),
        2,
        (),
        reading.jobs,
        ("unknown_job", "job_image_id"),
    ),
    Step(
        "image",
        "the image, and how a tag is removed; removes what a killed run has left",
        (SHOW, ACTION, DELETE),
        3,
        (_GET, _UPDATE),
        tagging.image,
        ("batch_call",),
        writes=True,
    ),
    Step(
        "tag",
        "one tag, and when it can be read",
        (PUT, SHOW),
        8,
        (_GET, _UPDATE),
        tagging.tag,
        tagging.OF_FIRST_TAG,
        needs="image",
        writes=True,
    ),
    Step(
        "refusals",
        "a malformed tag, long ones, dots, and a tag for an image that does not exist",
        (PUT, ACTION, DELETE),
        14,
        (_GET, _UPDATE),
        refusing.refusals,
        ("unknown_image_tagged", *refusing.OF_TAGS),
        needs="tag",
        writes=True,
    ),
    Step(
        "quota",
        "the eleventh tag",
        (PUT, ACTION, DELETE),
        24,
        (_GET, _UPDATE),
        refusing.quota,
        refusing.OF_QUOTA,
        needs="tag",
        writes=True,
        fills=True,
    ),
    Step(
        "trace-of-tag",
        "the trace that the tag has left; waits for it for a minute at most",
        (TRACES,),
        3,
        (_TRACES,),
        tracing.trace_of_tag,
        ("trace_tagging",),
        needs="tag",
        writes=True,
    ),
)
NAMES = tuple(step.name for step in STEPS)


def why_not(step: Step, skipped: Collection[str], *, writes: bool, fills: bool) -> str:
    """Why a step does not run, as a key of `switches.REASONS`; "" if it does.

    skipped: names of steps. writes, fills: whether steps that do so may run.
    """
    if step.writes and not writes:
        return "no-image"
    if step.fills and not fills:
        return "no-quota"
    if step.name in skipped:
        return "skipped"
    needed = next((other for other in STEPS if other.name == step.needs), None)
    return why_not(needed, skipped, writes=writes, fills=fills) if needed else ""
