"""An image as IMS describes it, for rules, and the image that it was made from."""

from typing import Any

import pytest

from handlers.core.ims.image import described, parent_id, tags_of

ID = "3f7185de-b59a-4bb8-aa1d-7a513528b0e9"

TAGS: dict[str, tuple[Any, dict[str, str]]] = {
    "with =": (["owner=ada", "cost=1=2"], {"owner": "ada", "cost": "1=2"}),
    "with a dot": (["owner.ada", "version.1.2"], {"owner": "ada", "version": "1.2"}),
    "a key with a dot": (["cost.centre=1"], {"cost.centre": "1"}),
    "without a value": (["owner", "team="], {"owner": "", "team": ""}),
    "none": ([], {}),
    "of other types": (["a=1", 2, None, {}], {"a": "1"}),
    "no list": ("a=1", {}),
}


@pytest.mark.parametrize(("listed", "tags"), TAGS.values(), ids=TAGS)
def test_tags(listed: Any, tags: dict[str, str]) -> None:
    """Tags are an object for rules, whichever of the two forms the region lists them in."""
    assert described({"id": ID, "name": "web", "tags": listed}) == {"id": ID, "name": "web", "tags": tags}


def test_an_image_that_lists_no_tags() -> None:
    """It has none."""
    assert (tags_of({}), described({})) == ([], {"tags": {}})


PARENTS: dict[str, tuple[dict[str, Any], str | None, str | None]] = {
    "of a server": ({"__data_origin": "instance,b834c375", "__originalimagename": ID}, "eu-de", ID),
    "a copy": ({"__data_origin": f"image,eu-de,{ID}", "__originalimagename": ID}, "eu-de", ID),
    "a copy, region unknown": ({"__data_origin": f"image,cn-1,{ID}", "__originalimagename": ID}, None, ID),
    "a copy from elsewhere": (
        {"__data_origin": f"image,cn-1,{ID}", "__originalimagename": ID},
        "eu-de",
        None,
    ),
    "without an origin": ({"__originalimagename": ID}, "eu-de", ID),
    "of a file": ({"__originalimagename": ""}, "eu-de", None),
    "no UUID": ({"__originalimagename": "../" + ID}, "eu-de", None),
    "of another type": ({"__data_origin": [1], "__originalimagename": {"id": ID}}, "eu-de", None),
    "nothing": ({}, None, None),
}


@pytest.mark.parametrize(("image", "region", "parent"), PARENTS.values(), ids=PARENTS)
def test_parent(image: dict[str, Any], region: str | None, parent: str | None) -> None:
    """It is named by its id, which becomes a part of a path, so it is nothing but a UUID."""
    assert parent_id(image, region) == parent
