"""In which order a list has its images, and which page of it a query names.

"Querying Images" and "Querying Images (Native OpenStack API)". Inferred are: that a parameter given twice is
refused (IMG.0001), and a marker that no image has (IMG.0027), as Glance refuses it with 400; that
`member_status` leaves only images shared with the caller, and that without it those count that were
accepted; that any `limit` is taken; and the order of images that are equal in what they are sorted by.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from multidict import MultiMapping

from deploy.local.ims.api.image_filters import filter_of
from deploy.local.ims.api.requests import number
from deploy.local.ims.api.shown import member
from deploy.local.ims.errors import Refused
from deploy.local.ims.state import Cloud, Image

SORT_KEYS = {"name", "container_format", "disk_format", "status", "id", "size", "created_at"}


class Page(NamedTuple):
    images: list[Image]
    more: bool
    """Whether others come after it."""

    def next_marker(self) -> str | None:
        return self.images[-1].id if self.more and self.images else None


def page_of(cloud: Cloud, project_id: str, query: MultiMapping[str], default_limit: int) -> Page:
    """The images that a query of this project names. Raises `Refused`."""
    wanted = {name: query[name] for name in query}
    if len(wanted) < len(query):
        raise Refused("IMG.0001")
    limit = number(wanted.pop("limit", str(default_limit)), "IMG.0001")
    key, direction = wanted.pop("sort_key", "created_at"), wanted.pop("sort_dir", "desc")
    marker, status = wanted.pop("marker", None), wanted.pop("member_status", None)
    filters = [filter_of(name, value) for name, value in wanted.items()]

    listed = [image for image in cloud.images.values() if _is_listed(image, project_id, status)]
    following = _after(marker, _sorted(cloud, listed, key, direction))
    fitting = (image for image in following if all(fits(cloud, image) for fits in filters))
    page = list(islice(fitting, limit))
    return Page(page, next(fitting, None) is not None)


def _is_listed(image: Image, project_id: str, member_status: str | None) -> bool:
    if member_status is not None:
        return image.members.get(project_id) == member_status
    return image.public or image.project_id == project_id or image.members.get(project_id) == "accepted"


def _sorted(cloud: Cloud, images: list[Image], key: str, direction: str) -> list[Image]:
    if key not in SORT_KEYS or direction not in {"asc", "desc"}:
        raise Refused("IMG.0001")
    # Those who page by moments would pay for making texts of them.
    images.sort(key=lambda image: image.created_at)
    if key != "created_at":
        images.sort(key=lambda image: _sortable(member(cloud, image, key)))
    if direction == "desc":
        images.reverse()
    return images


def _sortable(value: Any) -> tuple[float, str]:
    return (value, "") if isinstance(value, int | float) else (0, str(value or ""))


def _after(marker: str | None, images: list[Image]) -> Iterator[Image]:
    """The marker has to be an image of the list, but it need not pass the filters."""
    following = iter(images)
    if marker is not None and all(image.id != marker.lower() for image in following):
        raise Refused("IMG.0027")
    return following
