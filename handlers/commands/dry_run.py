"""What the function would do with an event: the handler itself, before a tag API that only takes notes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from handlers.core.errors import InvalidEvent, InvalidTag
from handlers.core.events.recognise import CreationSignals, ImageCreated, ImageJob, recognise
from handlers.core.ims.tags import BATCH_MIN, Call, FailedTag, Tag, WriteResult, batch_call, tag_call
from handlers.core.outcomes import Outcome
from handlers.core.rules.table import RuleTable
from handlers.edges.cloudevents.parse import Json
from handlers.image_created import Needs, tag_images

NO_IMAGE = "00000000-0000-0000-0000-000000000000"
"""Stands for an image of which only the job is known: no job can be asked here."""

SERVED_PROJECT = "{project_id}"
"""Stands for the project that is served, which needs the settings of credentials to be known."""


class Tagged(NamedTuple):
    """How it would end for one image: the outcome with its reason and message, the tags and the calls."""

    image: ImageCreated
    outcome: str
    reason: str
    message: str
    tags: dict[str, str]
    calls: list[Call]


class Rehearsal(NamedTuple):
    """How it would end for an event, and for each image that it is about."""

    outcome: Outcome
    images: list[Tagged]


def rehearse(event: Json | InvalidEvent, table: RuleTable, says: CreationSignals, tag_form: str) -> Rehearsal:
    """Handles an event as the function would if the tag API accepted everything."""
    notes = _Notes(tag_form, _images(event, says))
    needs = Needs(
        says=says,
        table=lambda: table,
        job=notes.job,
        tags_of=notes.tags_of,
        add_tags=notes.add_tags,
        not_ready_window=0,
        log=notes.log,
    )
    outcome = tag_images(event, needs, deadline=0)
    return Rehearsal(outcome, notes.images)


def _images(event: Json | InvalidEvent, says: CreationSignals) -> list[ImageCreated]:
    """The images in the order in which the handler takes them."""
    try:
        recognised = recognise(event, says) if isinstance(event, dict) else []
    except InvalidEvent:
        return []
    if isinstance(recognised, ImageJob):
        return recognised.images([{"id": NO_IMAGE}])
    return recognised if isinstance(recognised, list) else []


class _Notes:
    def __init__(self, tag_form: str, images: list[ImageCreated]) -> None:
        self.images: list[Tagged] = []
        self._tag_form = tag_form
        self._coming = iter(images)
        self._tags: dict[str, str] = {}
        self._calls: list[Call] = []

    def job(self, project_id: str, job_id: str, _deadline: float) -> Json:
        self._calls.append(Call("GET", f"/v1/{project_id}/jobs/{job_id}"))
        return {"status": "SUCCESS", "entities": {"image_id": NO_IMAGE}}

    def tags_of(self, _project_id: str | None, image_id: str, _deadline: float) -> list[str]:
        self._calls.append(Call("GET", f"/v2/images/{image_id}"))
        return []

    def add_tags(
        self, _project_id: str | None, image_id: str, tags: Sequence[Tag], _deadline: float
    ) -> WriteResult:
        refused = []
        if self._tag_form == "batch" and len(tags) >= BATCH_MIN:
            self._tags.update(tags)
            self._calls.append(batch_call(SERVED_PROJECT, image_id, tags))
            return WriteResult([], [])
        for tag in tags:
            try:
                call = tag_call(image_id, tag, self._tag_form)
            except InvalidTag as error:
                refused.append(FailedTag(tag, error))
            else:
                self._tags[tag.key] = tag.value
                self._calls.append(call)
        return WriteResult(refused, [])

    def log(self, _name: str, **fields: Any) -> None:
        """The handler logs once for each image, when it is done with it."""
        if "image_id" not in fields:
            return
        self.images.append(
            Tagged(
                next(self._coming),
                fields["outcome"],
                fields["reason"],
                fields["why"],
                self._tags,
                self._calls,
            )
        )
        self._tags, self._calls = {}, []
