"""A rules table, and the same in Python: what each image has to have, and what `coverage` has to say of it.

Written apart from the product, of which it imports nothing: a slip in one is found by the other. Pure.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

Json = Mapping[str, Any]
Tags = dict[str, str]

RULES = """
[[rule]]
name = "copies inherit"
when.ims.__data_origin = [{ prefix = "image," }]
tags.owner = "{{ parent.tags.owner }}"
tags.cost-centre = "{{ parent.tags['cost-centre'] }}"

[[rule]]
name = "made by a pipeline"
when.image.creator.name = [{ prefix = "ci-" }]
tags.built-by = "pipeline"

[[rule]]
name = "production"
when.image.name = [{ prefix = "prod-" }]
tags.env = { value = "prod", on_existing = "keep" }

[[rule]]
name = "everything else"
tags.env = { value = "dev", on_existing = "keep" }
tags.owner = "{{ image.creator.name | local_part | lower | default('nobody') }}"
tags.base = "{{ parent.name | default('none') }}"
tags.created-on = "{{ image.created_at | date }}"
"""

KEPT = {"env"}
"""Keys of rows that keep what an image has."""

NOBODY = "nobody"


class Seen(NamedTuple):
    """An image, and the one that it was made from. day: on which it was made, in UTC."""

    name: str
    origin: str
    day: str
    parent: "Seen | None"
    tags: Tags


def tags_of(image: Seen, creator: str | None) -> Tags:
    """What the table gives an image. creator: the name of who made it; None where nobody knows it."""
    parent = image.parent
    tags = {
        "env": "prod" if image.name.startswith("prod-") else "dev",
        "owner": creator.partition("@")[0].lower() if creator else NOBODY,
        "base": parent.name if parent else "none",
        "created-on": image.day,
    }
    if creator and creator.startswith("ci-"):
        tags["built-by"] = "pipeline"
    if inherits(image, "owner"):
        tags |= {key: parent.tags[key] for key in ("owner", "cost-centre") if parent and key in parent.tags}
    return tags


def inherits(image: Seen, key: str) -> bool:
    """Whether a copy has the tag of its source."""
    return image.origin.startswith("image,") and image.parent is not None and key in image.parent.tags


class Expected(NamedTuple):
    """What a line of `coverage --json` has to say. differing: by key, the value that is there."""

    state: str
    lacking: Tags
    differing: Tags


def coverage_of(image: Seen, creator: str | None) -> Expected:
    """creator: as its trace names it; None where there is no trace that does."""
    given = tags_of(image, creator)
    # Without the creator, an owner that is there may be from the time when it was known.
    uncertain = set() if creator or inherits(image, "owner") else {"owner"}
    lacking = {key: value for key, value in given.items() if key not in image.tags}
    differing = {
        key: image.tags[key]
        for key, value in given.items()
        if key not in KEPT | uncertain and image.tags.get(key, value) != value
    }
    undecidable = creator is None and "built-by" not in image.tags
    state = (
        "lacking" if lacking else "differing" if differing else "undecidable" if undecidable else "complete"
    )
    return Expected(state, lacking, differing)
