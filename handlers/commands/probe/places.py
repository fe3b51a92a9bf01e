"""Where in an answer the id of an image is. Pure."""

from collections.abc import Collection, Iterator
from typing import Any

MEMBERS = {
    *("resource_id", "request", "response", "result", "resource", "resource_info", "job", "job_id", "jobId"),
    *("entities", "sub_jobs_result", "sub_jobs", "image", "image_id", "imageId", "image_ids", "id", "ids"),
}
"""The members that a place names. Any other may be somebody's own text."""

ELSEWHERE = "elsewhere"


def places_of(value: Any, ids: Collection[str]) -> list[str]:
    """The paths, such as "entities.image_id", of the members that are one of these ids, sorted."""
    return sorted(set(_places(value, ids, ())))


def _places(value: Any, ids: Collection[str], path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, str) and value.lower() in ids:
        yield ".".join(path) if set(path) <= MEMBERS else ELSEWHERE
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _places(member, ids, (*path, name))
    elif isinstance(value, list):
        for member in value:
            yield from _places(member, ids, path)
