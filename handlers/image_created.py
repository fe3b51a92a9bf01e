"""The handler: gather the images of an event, decide their tags, apply them.

It raises nothing. Every error becomes the outcome of a result, by the table in `core.outcomes`.
"""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from handlers.core.errors import (
    ImageNotFound,
    ImageNotTaggable,
    InvalidEvent,
    OutOfTime,
    PermissionDenied,
    ProjectNotServed,
)
from handlers.core.events import (
    CreationSignals,
    ImageCreated,
    ImageJob,
    OtherEvent,
    recognise,
)
from handlers.core.ims.image import NAMES, described, parent_id, tags_of
from handlers.core.ims.tags import Tag, WriteResult
from handlers.core.json_access import Json
from handlers.core.outcomes import Age, Outcome, outcome_of
from handlers.core.results import AbsentParent, ImageResult
from handlers.core.rules import RuleTable, TagPlan

ABSENT = (ImageNotFound, PermissionDenied, ImageNotTaggable)
"""Errors of a query for a parent that is gone, in another region, or not ours to see."""


class Services(NamedTuple):
    """What the handler needs from outside.

    projects: ids of the projects that are served; empty if the credentials are for one project anyway.
    not_ready_window: seconds for which an event counts as young.
    The calls take the project of an image, or None if the credentials are for one project anyway. They end
    before a deadline of `time.monotonic` and raise TagApiError. `image` returns an image as IMS
    describes it.
    """

    signals: CreationSignals
    rules: Callable[[], RuleTable]
    projects: Sequence[str]
    not_ready_window: float
    job: Callable[[str, str, float], Json]
    image: Callable[[str | None, str, float], Json]
    add_tags: Callable[[str | None, str, Sequence[Tag], float], WriteResult]


def images_in(event: Json, services: Services, deadline: float) -> list[ImageCreated] | ImageResult:
    """Gathers the images that an event, a CloudEvent as JSON, says were created.

    Returns a result instead if the event is about no image.
    """
    recognised = None
    try:
        recognised = recognise(event, services.signals)
        if isinstance(recognised, ImageJob):
            project_id = served_project(recognised.project_id, services.projects) or recognised.project_id
            if project_id is None:
                raise InvalidEvent("the trace names a job but no project; set PROJECTS to the project")  # noqa: TRY301 - as if `served_project` had found it
            return recognised.resolve(services.job(project_id, recognised.job_id, deadline))
    except Exception as error:  # noqa: BLE001 - every error has a row in the table of outcomes
        job = recognised if isinstance(recognised, ImageJob) else None
        age = Age.at(datetime.now(UTC), job.event_time if job else None, services.not_ready_window)
        outcome = outcome_of(error, age, services.rules().outcomes)
        return ImageResult(outcome, age=age, error=error, job_id=job.job_id if job else "")
    if isinstance(recognised, OtherEvent):
        return ImageResult(Outcome("ignored", "OtherEvent", recognised.why))
    return recognised


class Fetched(NamedTuple):
    """What was fetched for the rules. image: as IMS describes it.
    event: with the objects `ims` and `parent`, as far as they are known.
    """

    image: Json
    event: Json
    absent_parent: AbsentParent | None = None


def fetch(
    image: ImageCreated, names: Collection[str], project_id: str | None, services: Services, deadline: float
) -> Fetched:
    """Asks IMS for what the rules mention, `names`, of the image and of the image that it was made from.

    A parent that is gone, in another region, or not ours to see is absent. Raises TagApiError.
    """
    # Ours hide extensions of these names, also where they are absent.
    event = {name: value for name, value in image.event.items() if name not in NAMES}
    own = services.image(project_id, image.id, deadline)
    event["ims"] = described(own)
    if "parent" in names and (of := parent_id(own, image.event["image"].get("region"))):
        try:
            event["parent"] = described(services.image(project_id, of, deadline))
        except ABSENT as error:
            return Fetched(own, event, AbsentParent(of, error))
    return Fetched(own, event)


def tag_image(
    image: ImageCreated,
    rules: RuleTable,
    services: Services,
    deadline: float,
    matching: Sequence[int] | None = None,
) -> ImageResult:
    """Decides and applies the tags of one image.

    matching: the rules that match, if that is the same for all images of the event and already known.
    """
    plan, error, to_write, called = TagPlan(), None, list[Tag](), time.monotonic()
    own, absent = None, None
    try:
        project_id = served_project(image.project_id, services.projects)
        if rules.reads:
            own, event, absent = fetch(image, rules.reads, project_id, services, deadline)
            image = image._replace(event=event)
        decided = time.monotonic()
        if matching is None:
            matching = rules.matching(image.event, lambda: in_time(deadline))
        plan = rules.tags_for(image.event, matching)
        if image.fills_in:
            plan = plan.filling_in()
        in_time(deadline)
        called += time.monotonic() - decided  # the rules are no call
        if plan.needs_existing_tags:
            own = services.image(project_id, image.id, deadline) if own is None else own
            plan = plan.without_existing(tags_of(own))
        to_write = plan.to_write
        write = services.add_tags(project_id, image.id, to_write, deadline)
    except Exception as raised:  # noqa: BLE001 - every error has a row in the table of outcomes
        error, to_write = raised, plan.to_write
        write = WriteResult.of_error(to_write, raised)
    api_seconds = time.monotonic() - called
    age = Age.at(datetime.now(UTC), image.event_time, services.not_ready_window)
    errors = [error] if error else []
    if write.failed:
        errors = list(dict.fromkeys(failed.error for failed in write.failed))
    if not errors:
        outcome = Outcome("tagged" if to_write or plan.unchanged else "nothing-to-tag")
    else:
        # If one tag is refused for good and another may still be written, the event is retried for the other.
        ends = [(outcome_of(each, age, rules.outcomes), each) for each in errors]
        outcome, error = min(ends, key=lambda end: end[0].kind != "retry")
        if write.failed:
            outcome = outcome._replace(message=f"{outcome.message}; {write.summary(to_write)}")
    return ImageResult(outcome, image, plan, write, age, error, api_seconds, absent_parent=absent)


def served_project(project_id: str | None, served: Collection[str]) -> str | None:
    """The project whose credentials an image needs; None if the credentials are for one project anyway.

    project_id: from the event. served: ids; none if the credentials are for one project anyway.
    Raises ProjectNotServed, or InvalidEvent if several are served and the event names none.
    """
    if not served:
        return None
    if project_id in served:
        return project_id
    if project_id is not None:
        raise ProjectNotServed(f"the image is in the project {project_id[:64]!a}, which is not served here")
    if len(served) > 1:
        raise InvalidEvent("the event does not say in which project the image is, and several are served")
    return next(iter(served))


def in_time(deadline: float) -> None:
    """Raises OutOfTime if a deadline of `time.monotonic` has passed."""
    if time.monotonic() >= deadline:
        raise OutOfTime("EVENT_TIMEOUT has passed before this image was tagged")
