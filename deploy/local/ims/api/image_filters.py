"""Which images the parameters of a list let through.

"Querying Images", "Querying Images (Native OpenStack API)", and `ListImagesRequest` of huaweicloudsdkims.
Inferred are: that values of another form are refused (IMG.0001); that a missing enterprise project is the
default one, and a missing architecture `x86`; that `os_hidden` of Glance, which openstacksdk asks for, finds
nothing, since no image is hidden; that numbers are compared as equal; and that moments count in
whole seconds.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from aiohttp import web

from deploy.local.ims.api.shown import member, updated_at
from deploy.local.ims.errors import Refused
from deploy.local.ims.state import Cloud, Image

EXACT = {
    *("id", "name", "status", "owner", "visibility", "container_format", "disk_format"),
    *("min_ram", "min_disk"),
    *("__imagetype", "__os_bit", "__os_type", "__platform", "__system__cmkid", "virtual_env_type"),
    *("architecture", "enterprise_project_id"),
}
FLAGS = {
    *("protected", "__isregistered", "__whole_image", "__support_kvm", "__support_xen"),
    *("__support_largememory", "__support_diskintensive", "__support_highperformance"),
    *("__support_xen_gpu_type", "__support_kvm_gpu_type", "__support_xen_hana", "__support_kvm_infiniband"),
    "os_hidden",
}
"""Compared without case, since the service itself writes both `true` and `True`."""
ABSENT = {"enterprise_project_id": "0", "architecture": "x86", "__whole_image": "false", "os_hidden": "false"}
"""What an image without such an attribute counts as."""
ANY_ENTERPRISE_PROJECT = "all_granted_eps"
MOMENTS: dict[str, Callable[[Image], float]] = {
    "created_at": lambda image: image.created_at,
    "updated_at": updated_at,
}
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": gt,
    "gte": ge,
    "lt": lt,
    "lte": le,
    "eq": eq,
    "neq": ne,
}
MOMENT = re.compile(rf"({'|'.join(OPERATORS)}):(\d{{4}}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)Z?")

Fits = Callable[[Cloud, Image], bool]


def filter_of(name: str, value: str) -> Fits:
    """What a parameter asks of an image. Raises `Refused`.

    One that is not emulated is answered 501: a list that ignores it would be wrong.
    """
    if name == "tag":
        return lambda _, image: value in _written(image)
    if name in MOMENTS:
        return _moment(MOMENTS[name], value)
    if name not in EXACT | FLAGS:
        raise web.HTTPNotImplemented(text=f"The emulator does not know the parameter {name!r}.")
    if name == "enterprise_project_id" and value == ANY_ENTERPRISE_PROJECT:
        return lambda *_: True
    if name in FLAGS:
        return lambda cloud, image: _text(cloud, image, name).lower() == value.lower()
    return lambda cloud, image: _text(cloud, image, name) == value


def _written(image: Image) -> set[str]:
    """Every form in which a query can write one of its tags."""
    return {f"{key}={value}" for key, value in image.tags.items()} | {
        key for key, value in image.tags.items() if not value
    }


def _moment(of: Callable[[Image], float], value: str) -> Fits:
    form = MOMENT.fullmatch(value)
    try:
        wanted = datetime.fromisoformat(f"{form[2]}T{form[3]}").replace(tzinfo=UTC) if form else None
    except ValueError:
        wanted = None
    if form is None or wanted is None:
        raise Refused("IMG.0001")
    compare, second = OPERATORS[form[1]], int(wanted.timestamp())
    return lambda _, image: compare(int(of(image)), second)


def _text(cloud: Cloud, image: Image, name: str) -> str:
    value = member(cloud, image, name)
    if value is None:
        return ABSENT.get(name, "")
    return str(value).lower() if isinstance(value, bool) else str(value)
