"""Images and their tags as the API shows them.

"Creating Image Metadata (Native OpenStack API)" and "Querying Images". The samples of the first write tags as
`key=value`, and of the second nothing is published: what stands between key and value is a setting.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from deploy.local.ims.state import Cloud, Image

PRESET: Mapping[str, Any] = {
    "__os_version": "Other Linux(64 bit)",
    "__os_type": "Linux",
    "__os_bit": "64",
    "__platform": "Other",
    "__image_source_type": "uds",
    "__image_size": "0",
    "__isregistered": "true",
    "container_format": "bare",
    "disk_format": "zvhd2",
    "min_disk": 40,
    "min_ram": 0,
    "virtual_env_type": "FusionCompute",
}
"""What an image has where its attributes say nothing else."""


def flat(key: str, value: str, separator: str) -> str:
    """A tag as one text. That a tag without a value is its key alone is inferred from a sample."""
    return f"{key}{separator}{value}" if value else key


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as objects."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def whole_second(moment: float) -> str:
    """Seconds since the epoch as images write them."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def updated_at(image: Image) -> float:
    """That a change of the tags changes it is inferred."""
    return image.created_at if image.updated_at is None else image.updated_at


def visibility(image: Image) -> str:
    """Also to its owner an image that is shared is no private one."""
    return "public" if image.public else "shared" if image.members else "private"


FIXED: Mapping[str, Callable[[Cloud, Image], Any]] = {
    "id": lambda _, image: image.id,
    "owner": lambda _, image: image.project_id,
    "status": lambda cloud, image: cloud.status(image),
    "visibility": lambda _, image: visibility(image),
    "__imagetype": lambda _, image: "gold" if image.public else visibility(image),
    "created_at": lambda _, image: whole_second(image.created_at),
    "updated_at": lambda _, image: whole_second(updated_at(image)),
    "self": lambda _, image: f"/v2/images/{image.id}",
    "file": lambda _, image: f"/v2/images/{image.id}/file",
    "schema": lambda *_: "/v2/schemas/image",
    "tags": lambda cloud, image: [
        flat(key, value, cloud.settings.tag_separator) for key, value in cloud.readable_tags(image).items()
    ],
}
"""What an image has whatever its attributes say."""


def member(cloud: Cloud, image: Image, name: str) -> Any:
    """One member of the object below, without making all of it; None where it has none of this name."""
    if name in FIXED:
        return FIXED[name](cloud, image)
    return image.attributes.get(name, image.public if name == "protected" else PRESET.get(name))


def image_object(cloud: Cloud, image: Image) -> dict[str, Any]:
    """An image as `GET /v2/images/{image_id}` and the lists show it."""
    fixed = {name: of(cloud, image) for name, of in FIXED.items()}
    return {**PRESET, "protected": image.public, **image.attributes, **fixed}
