"""What the function would do with an event: the handler itself, in front of services that only take notes."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from handlers.batch import refused
from handlers.core.dead_letters import DEAD_LETTER_MARK
from handlers.core.errors import InvalidTag
from handlers.core.events import CreationSignals
from handlers.core.ims.requests import BATCH_MIN, Call, batch_call, tag_calls
from handlers.core.ims.tags import FailedTag, Tag, WriteResult
from handlers.core.json_access import Json
from handlers.core.outcomes import Outcome, combine
from handlers.core.received import Received, Unparsable
from handlers.core.results import ImageResult
from handlers.core.rules import RuleTable
from handlers.image_created import Services, images_in, tag_image

NO_IMAGE = "00000000-0000-0000-0000-000000000000"
"""Stands for an image of which only the job is known: no job can be asked here."""

SERVED_PROJECT = "{project_id}"
"""Stands for the project that is served, which needs the settings of credentials to be known."""


class ImageRun(NamedTuple):
    """The result for one image, and the calls that it would take."""

    result: ImageResult
    calls: list[Call]

    @property
    def tags(self) -> dict[str, str]:
        """The tags that would be written."""
        refused = {failed.tag for failed in self.result.write.failed}
        return dict(tag for tag in self.result.plan.to_write if tag not in refused)


class DryRun(NamedTuple):
    """How it would end for an event, and for each image that it is about."""

    outcome: Outcome
    images: list[ImageRun]


def dry_run(
    event: Received | Unparsable, table: RuleTable, signals: CreationSignals, tag_form: str
) -> DryRun:
    """Handles an event as the function would if the tag API accepted everything."""
    if isinstance(event, Unparsable) or DEAD_LETTER_MARK in event.event:
        return DryRun(refused(event).outcome, [])
    notes = _Notes(tag_form)
    services = Services(signals, lambda: table, (), 0, notes.job, notes.existing_tags, notes.add_tags)
    images = images_in(event.event, services, math.inf)
    if isinstance(images, ImageResult):
        return DryRun(images.outcome, [])
    runs = [ImageRun(tag_image(image, table, services, math.inf), notes.take()) for image in images]
    return DryRun(combine([run.result.outcome for run in runs]), runs)


class _Notes:
    def __init__(self, tag_form: str) -> None:
        self._tag_form = tag_form
        self._calls: list[Call] = []

    def take(self) -> list[Call]:
        """The calls since the last time."""
        calls, self._calls = self._calls, []
        return calls

    def job(self, project_id: str, job_id: str, _deadline: float) -> Json:
        self._calls.append(Call("GET", f"/v1/{project_id}/jobs/{job_id}"))
        return {"status": "SUCCESS", "entities": {"image_id": NO_IMAGE}}

    def existing_tags(self, _project_id: str | None, image_id: str, _deadline: float) -> list[str]:
        self._calls.append(Call("GET", f"/v2/images/{image_id}"))
        return []

    def add_tags(
        self, _project_id: str | None, image_id: str, tags: Sequence[Tag], _deadline: float
    ) -> WriteResult:
        if self._tag_form == "batch" and len(tags) >= BATCH_MIN:
            self._calls.append(batch_call(SERVED_PROJECT, image_id, tags))
            return WriteResult()
        calls = tag_calls(image_id, tags, self._tag_form)
        self._calls += [call for call in calls if isinstance(call, Call)]
        pairs = zip(tags, calls, strict=True)
        return WriteResult([FailedTag(tag, error) for tag, error in pairs if isinstance(error, InvalidTag)])
