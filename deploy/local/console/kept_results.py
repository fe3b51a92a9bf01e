"""What a table makes of events, and what is kept of that for the next time. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

KEPT = 3000
"""Results that are kept: the newest."""

Images = Mapping[str, Mapping[str, Any]]
"""By id, images as IMS describes them."""


class Result(NamedTuple):
    """What a table makes of an event. tags: of all its images."""

    outcome: str
    tags: dict[str, str]


class Results(NamedTuple):
    """By the file of each event. images: those that the table could read; None if it reads none."""

    by_file: Mapping[str, Result]
    images: Images | None = None


class KeptResults:
    """Under the table in use. The file of an event never changes, so its result holds as long as the table
    does, and the images that the table reads.
    """

    def __init__(self) -> None:
        self._digest = ""
        self._results = Results({})

    def known(self, digest: str, images: Images) -> Results:
        """What still holds under the table with this digest."""
        return self._results if self._holds(digest, images) else Results({})

    def keep(self, digest: str, found: Results) -> None:
        kept = self._results.by_file if self._holds(digest, found.images) else {}
        self._digest = digest
        self._results = Results(dict([*kept.items(), *found.by_file.items()][-KEPT:]), found.images)

    def _holds(self, digest: str, images: Images | None) -> bool:
        return self._digest == digest and self._results.images in (None, images)
