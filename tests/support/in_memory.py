"""An image in memory, and the handler in front of it: what events make of its tags, without any process."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from handlers.core.errors import ImageNotFound, TagApiUnavailable
from handlers.core.ims.tags import Tag, WriteResult
from handlers.core.results import ImageResult
from handlers.core.rules import RuleTable
from handlers.edges.settings import signals
from handlers.image_created import Services, images_in, tag_image
from tests.support.sample_events import ID

Json = dict[str, Any]


class Memory:
    """Images by id, with attributes and tags; the image ID is one of them.

    job: what the service answers about any job. broken: whether it fails whatever is asked of it.
    """

    def __init__(self, table: RuleTable, tags: Mapping[str, str] = {}, **attributes: Any) -> None:
        self.tags = {ID: dict(tags)}
        self.attributes: dict[str, Json] = {ID: attributes}
        self.job: Json = {"status": "SUCCESS", "entities": {"image_id": ID}}
        self.broken = False
        self._table = table
        self._signals = signals({})

    def handle(self, event: Json) -> list[ImageResult]:
        """What becomes of an event, a CloudEvent as JSON, for each of its images."""
        services = Services(
            self._signals, lambda: self._table, (), 1800, self._job, self._image, self._add_tags
        )
        images = images_in(event, services, math.inf)
        if isinstance(images, ImageResult):
            return [images]
        return [tag_image(image, self._table, services, math.inf) for image in images]

    def _job(self, *_: object) -> Json:
        self._works()
        return self.job

    def _image(self, _project_id: str | None, image_id: str, _deadline: float) -> Json:
        self._works()
        if image_id not in self.tags:
            raise ImageNotFound("not there")
        tags = [f"{key}={value}" for key, value in self.tags[image_id].items()]
        return self.attributes.get(image_id, {}) | {"id": image_id, "tags": tags}

    def _add_tags(
        self, _project_id: str | None, image_id: str, tags: Sequence[Tag], _deadline: float
    ) -> WriteResult:
        self._works()
        self.tags[image_id].update(tags)
        return WriteResult()

    def _works(self) -> None:
        if self.broken:
            raise TagApiUnavailable("broken")
