"""The emulated calls that ask for the tags of a project: "Image Management Service API reference".

Inferred are: that only the project's own images count, also those that it shares; that the newest come first;
that a name is found by any part of it; that `limit` and `offset` are refused where they are no texts; and the
codes, IMG.0115 for what is wrong with tags and IMG.0001 for the rest.
"""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from deploy.local.ims.api.requests import json_object, members, number, own_project, text
from deploy.local.ims.api.shown import pairs
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.errors import Refused
from deploy.local.ims.state import Image

MOST = 10
"""Keys of a field, and values of a key."""
LONGEST_KEY, LONGEST_VALUE = 128, 255
DEFAULT_LIMIT, LARGEST_LIMIT = "10", 1000

Wanted = Mapping[str, list[str]]
"""Keys with the values that they may have; none: any value."""


def _has(image: Image, key: str, values: list[str]) -> bool:
    return key in image.tags and (not values or image.tags[key] in values)


CONDITIONS: Mapping[str, Callable[[Image, Wanted], bool]] = {
    "tags": lambda image, wanted: all(_has(image, *one) for one in wanted.items()),
    "tags_any": lambda image, wanted: any(_has(image, *one) for one in wanted.items()),
    "not_tags": lambda image, wanted: not all(_has(image, *one) for one in wanted.items()),
    "not_tags_any": lambda image, wanted: not any(_has(image, *one) for one in wanted.items()),
}
MATCHES: Mapping[str, Callable[[Image, str], bool]] = {
    "resource_id": lambda image, value: image.id == value,
    "resource_name": lambda image, value: (
        value in image.attributes["name"] if value else not image.attributes["name"]
    ),
}
FIELDS = {"action", "limit", "offset", "matches", "without_any_tag", *CONDITIONS}

routes = web.RouteTableDef()


@routes.get("/v2/{project_id}/images/tags")
async def tags_of_project(request: web.Request) -> web.Response:
    """Page "Querying All Image Tags": every key with its values. The order of both is inferred."""
    values: dict[str, dict[str, None]] = {}
    for image in _own_images(request):
        for key, value in image.tags.items():
            values.setdefault(key, {})[value] = None
    return web.json_response({"tags": [{"key": key, "values": list(found)} for key, found in values.items()]})


@routes.post("/v2/{project_id}/images/resource_instances/action")
async def images_by_tags(request: web.Request) -> web.Response:
    """Page "Querying Images by Tag"."""
    images, given = _own_images(request), await json_object(request)
    if unknown := given.keys() - FIELDS:
        raise web.HTTPNotImplemented(text=f"The emulator does not know: {', '.join(sorted(unknown))}.")
    action, fits = text(given, "action"), _condition(given)
    if action not in {"filter", "count"}:
        raise Refused("IMG.0001")
    found = [image for image in images if fits(image)]
    if action == "count":
        return web.json_response({"total_count": len(found)})
    given = {"offset": "0", "limit": DEFAULT_LIMIT} | given
    offset, limit = (number(text(given, name), "IMG.0001") for name in ("offset", "limit"))
    if not 1 <= limit <= LARGEST_LIMIT:
        raise Refused("IMG.0001")
    status = request.app[EMULATOR].cloud.status
    resources = [
        {
            "resource_id": image.id,
            "resource_name": image.attributes["name"],
            "resource_detail": {"status": status(image)},
            "tags": pairs(image.tags),
        }
        for image in found[offset : offset + limit]
    ]
    return web.json_response({"total_count": len(found), "resources": resources})


def _own_images(request: web.Request) -> list[Image]:
    project_id, images = own_project(request), request.app[EMULATOR].cloud.images.values()
    own = [image for image in images if image.project_id == project_id and not image.public]
    return sorted(own, key=lambda image: image.created_at, reverse=True)


def _condition(given: dict[str, Any]) -> Callable[[Image], bool]:
    matches = _matches(given)
    if given.get("without_any_tag") is True:
        return lambda image: not image.tags and matches(image)
    wanted = {name: _wanted(given, name) for name in CONDITIONS if name in given}
    return lambda image: (
        all(CONDITIONS[name](image, tags) for name, tags in wanted.items()) and matches(image)
    )


def _wanted(given: dict[str, Any], name: str) -> Wanted:
    tags = members(given, name, dict)
    wanted = {text(tag, "key"): members(tag, "values", str) for tag in tags}
    if not 1 <= len(tags) <= MOST or len(wanted) < len(tags):
        raise Refused("IMG.0115")
    for key, values in wanted.items():
        if not 1 <= len(key) <= LONGEST_KEY or any(len(value) > LONGEST_VALUE for value in values):
            raise Refused("IMG.0115")
        if len(set(values)) < len(values) or len(values) > MOST:
            raise Refused("IMG.0115")
    return wanted


def _matches(given: dict[str, Any]) -> Callable[[Image], bool]:
    matches = members({"matches": []} | given, "matches", dict)
    wanted = {text(match, "key"): text(match, "value") for match in matches}
    if len(wanted) < len(matches) or not wanted.keys() <= MATCHES.keys():
        raise Refused("IMG.0001")
    return lambda image: all(MATCHES[key](image, value) for key, value in wanted.items())
