"""The list of images in front of services that page in other ways than the documented one."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from handlers.commands.images.image_list import PAGE, own_images
from handlers.core.errors import RequestRejected, UnexpectedReply

PROJECT = "0123456789abcdef0123456789abcdef"


def image(number: int, second: int = 0) -> dict[str, Any]:
    return {"id": f"image-{number}", "owner": PROJECT, "created_at": f"2026-01-05T10:15:{second:02}Z"}


class Service:
    """most: images of a page, whatever is asked for. ignores: parameters that it does not know.

    last_marker: what an empty page names. deletes: before which calls the image of the marker is deleted.
    """

    def __init__(self, images: list[dict[str, Any]], most: int = PAGE) -> None:
        self.images = images
        self.most = most
        self.ignores = frozenset[str]()
        self.last_marker: str | None = None
        self.deletes = frozenset[int]()
        self.calls = 0

    def get(self, _path: str, query: Mapping[str, str]) -> dict[str, Any]:
        self.calls += 1
        if self.calls in self.deletes:
            self.images = [each for each in self.images if each["id"] != query["marker"]]
        query = {name: value for name, value in query.items() if name not in self.ignores}
        images = [each for each in self.images if each["created_at"] >= query.get("created_at", "gte:")[4:]]
        if marker := query.get("marker"):
            ids = [each["id"] for each in images]
            if marker not in ids:
                raise RequestRejected("no such marker", status=400, code="IMG.0027")
            images = images[ids.index(marker) + 1 :]
        info = {"page_info": {"next_marker": self.last_marker}} if self.last_marker and not images else {}
        return {"images": images[: self.most]} | info

    def listed(self) -> list[str]:
        return [each["id"] for each in own_images(self.get, PROJECT)]


def ids(numbers: range) -> list[str]:
    return [f"image-{number}" for number in numbers]


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 2), (250, 3), (300, 4)])
def test_shorter_pages(count: int, calls: int) -> None:
    """A service that gives shorter pages than it is asked for is asked for all of them."""
    service = Service(list(map(image, range(count))), most=100)
    assert service.listed() == ids(range(count))
    assert service.calls == calls


def test_a_page_of_nothing() -> None:
    """An empty page is the last one, also if it names a marker."""
    service = Service(list(map(image, range(PAGE))))
    service.last_marker = "another"
    assert service.listed() == ids(range(PAGE))


def test_markers_that_are_ignored() -> None:
    """A list that does not go on is no complete one."""
    service = Service(list(map(image, range(2 * PAGE))))
    service.ignores = frozenset({"marker"})
    with pytest.raises(UnexpectedReply, match="does not go on"):
        service.listed()


def test_all_on_a_page_that_ignores_markers() -> None:
    """Where all images are on the first page, no marker is missed."""
    service = Service(list(map(image, range(3))))
    service.ignores = frozenset({"marker"})
    assert service.listed() == ids(range(3))


@pytest.mark.parametrize("seconds", [1, 7])
def test_a_marker_that_was_deleted(seconds: int) -> None:
    """If the image of the marker is deleted, each other image is listed once, however many of one second."""
    service = Service([image(n, n * seconds // 2000) for n in range(2000)])
    service.deletes = frozenset({2, 5})
    assert service.listed() == ids(range(2000))
    assert len(service.images) == 2000 - 2


def test_pages_in_a_circle() -> None:
    """A list whose markers lead back to an earlier page ends with an error."""
    pages = iter(range(10))

    def get(_path: str, _query: Mapping[str, str]) -> dict[str, Any]:
        page = next(pages) % 2
        images = [image(page * PAGE + number) for number in range(PAGE)]
        return {"images": images, "page_info": {"next_marker": f"page-{page}"}}

    with pytest.raises(UnexpectedReply, match="begins again"):
        list(own_images(get, PROJECT))


def test_markers_that_are_refused() -> None:
    """Where every marker is refused, a list of images of one moment ends with an error."""

    def get(_path: str, query: Mapping[str, str]) -> dict[str, Any]:
        if "marker" in query:
            raise RequestRejected("no such marker", status=400, code="IMG.0027")
        return {"images": [image(number) for number in range(PAGE)]}

    with pytest.raises(UnexpectedReply, match="begins again"):
        list(own_images(get, PROJECT))


def test_images_as_text() -> None:
    """An image that is listed as JSON text is an image."""
    first: dict[str, Any] = {"images": [json.dumps(image(1)), "{", 5]}
    pages = iter([first, {"images": []}])
    assert [each["id"] for each in own_images(lambda *_: next(pages), PROJECT)] == ["image-1"]
