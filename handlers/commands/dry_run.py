"""What the function would do with an event: the handler itself, in front of services that only take notes."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from handlers.core.dead_letters import DEAD_LETTER_MARK
from handlers.core.errors import ImageNotFound, InvalidTag
from handlers.core.events import CreationSignals
from handlers.core.ims.image import NAMES, NO_IMAGE
from handlers.core.ims.requests import BATCH_MIN, Call, batch_call, image_call, job_call, tag_calls
from handlers.core.ims.tags import FailedTag, Tag, WriteResult
from handlers.core.json_access import Json
from handlers.core.outcomes import Outcome, combine
from handlers.core.received import Received, Unparsable
from handlers.core.results import ImageResult
from handlers.core.rules import RuleTable
from handlers.image_created import Services, images_in, tag_image
from handlers.tag_events import refused

SERVED_PROJECT = "{project_id}"
"""Stands for the project that is served, which needs the settings of credentials to be known."""


class ImageRun(NamedTuple):
    """The result for one image, and the calls that it would take.

    unknown: which of `ims` and `parent` the rules read and nobody has given.
    """

    result: ImageResult
    calls: list[Call]
    unknown: frozenset[str]

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
    event: Received | Unparsable,
    table: RuleTable,
    signals: CreationSignals,
    tag_form: str,
    images: Sequence[Json] = (),
) -> DryRun:
    """Handles an event as the function would if the tag API accepted everything.

    images: as IMS describes them. An image is looked for by its id; the first stands for one of another id.
    Without it, the image has no members, and a parent that is not among them is absent.
    """
    if isinstance(event, Unparsable) or DEAD_LETTER_MARK in event.event:
        return DryRun(refused(event).outcome, [])
    notes = _Notes(tag_form, images)
    services = Services(signals, lambda: table, (), 0, notes.job, notes.image, notes.add_tags)
    found = images_in(event.event, services, math.inf)
    if isinstance(found, ImageResult):
        return DryRun(found.outcome, [])
    runs = []
    for image in found:
        result = tag_image(image, table, services, math.inf)
        runs.append(ImageRun(result, *notes.take(table.reads)))
    return DryRun(combine([run.result.outcome for run in runs]), runs)


class _Notes:
    def __init__(self, tag_form: str, images: Sequence[Json]) -> None:
        self._tag_form = tag_form
        self._images = {str(image.get("id")).lower(): image for image in images}
        self._first = images[0] if images else None
        self._calls: list[Call] = []
        self._asked: list[Json | None] = []

    def take(self, reads: frozenset[str]) -> tuple[list[Call], frozenset[str]]:
        """The calls since the last time, and which of the objects that the rules read are unknown."""
        calls, self._calls = self._calls, []
        asked, self._asked = self._asked, []
        # Without the image itself, nobody can tell whether it has a parent.
        unknown = NAMES if asked[:1] == [None] else NAMES - {"ims"} if None in asked else frozenset()
        return calls, reads & unknown

    def job(self, project_id: str, job_id: str, _deadline: float) -> Json:
        self._calls.append(job_call(project_id, job_id))
        return {"status": "SUCCESS", "entities": {"image_id": NO_IMAGE}}  # no job can be asked here

    def image(self, _project_id: str | None, image_id: str, _deadline: float) -> Json:
        self._calls.append(image_call(image_id))
        its_own = not self._asked
        image = self._images.get(image_id.lower(), self._first if its_own else None)
        self._asked.append(image)
        if image is None and not its_own:
            raise ImageNotFound("the parent is not known here")
        return image or {}

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
