"""What a table makes of events, and what is kept of that for the next time. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

KEPT = 3000
"""Results of a table that are kept: the newest."""

TABLES = 2
"""Versions of the table whose results are kept: the one in use, and a draft."""

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
    """Of the newest tables. The file of an event never changes, so its result holds as long as the table
    does, and the images that the table reads.
    """

    def __init__(self) -> None:
        self._by_version: dict[str, Results] = {}

    def known(self, version: str, images: Images) -> Results:
        """What still holds under this version of the table."""
        kept = self._by_version.get(version, Results({}))
        return kept if kept.images in (None, images) else Results({})

    def keep(self, version: str, found: Results) -> None:
        newest = Results(dict([*found.by_file.items()][-KEPT:]), found.images)
        self._by_version.pop(version, None)
        self._by_version = dict([*self._by_version.items(), (version, newest)][-TABLES:])
