"""An image as IMS describes it, and the image that it was made from.

Sources: "Querying Image Details (Native OpenStack API)" and "Querying Images" (IMS API reference) for the
members. The form of `__data_origin` is not documented; it is taken from recorded answers of the real service.
"""

from handlers.core.json_access import Json, string, uuids_at

NAMES = frozenset({"ims", "parent"})
"""The names under which rules see an image as IMS describes it, and its parent."""


NO_IMAGE = "00000000-0000-0000-0000-000000000000"
"""The id of no image."""


def described(image: Json) -> Json:
    """The image for rules: its members as IMS has them, and its tags as an object."""
    return image | {"tags": dict(map(_pair, tags_of(image)))}


def tags_of(image: Json) -> list[str]:
    """The tags of an image as its object lists them: texts."""
    tags = image.get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def parent_id(image: Json, region: str | None) -> str | None:
    """The id of the image that an image was made from; None where there is none, or not in this region.

    region: of the image, where it is known.
    """
    kind, *where = (string(image, "__data_origin") or "").split(",")
    if kind == "image" and len(where) > 1 and region and where[0] != region:
        return None
    return next(uuids_at(image, "__originalimagename"), None)


def _pair(tag: str) -> tuple[str, str]:
    """A tag as its object lists it: `key=value`, or `key.value`; which, is published for no region."""
    key, _, value = tag.partition("=" if "=" in tag else ".")
    return key, value
