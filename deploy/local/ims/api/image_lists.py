"""The emulated calls that list images: "Image Management Service API reference"."""

from typing import Any

from aiohttp import web

from deploy.local.ims.api.image_pages import Page, page_of
from deploy.local.ims.api.shown import image_object
from deploy.local.ims.emulator import EMULATOR
from deploy.local.ims.gateway.middleware import CALLER

LIMIT = 500
"""Images of a page where the query does not say how many."""
NATIVE_LIMIT = 25

routes = web.RouteTableDef()


@routes.get("/v2/cloudimages")
async def list_images(request: web.Request) -> web.Response:
    """Page "Querying Images". `page_info` is in the SDK of Huawei Cloud alone.

    That the last page has none is inferred.
    """
    cloud, page = request.app[EMULATOR].cloud, listed(request, LIMIT)
    answer: dict[str, Any] = {"images": [image_object(cloud, image) for image in page.images]}
    if cloud.settings.page_info and (marker := page.next_marker()):
        answer["page_info"] = {"next_marker": marker}
    return web.json_response(answer)


@routes.get("/v2/images")
async def list_natively(request: web.Request) -> web.Response:
    """Page "Querying Images (Native OpenStack API)"."""
    cloud, page = request.app[EMULATOR].cloud, listed(request, NATIVE_LIMIT)
    answer = {
        "images": [image_object(cloud, image) for image in page.images],
        "first": str(request.rel_url.without_query_params("marker")),
        "schema": "/v2/schemas/images",
    }
    if marker := page.next_marker():
        answer["next"] = str(request.rel_url.update_query(marker=marker))
    return web.json_response(answer)


def listed(request: web.Request, limit: int = LIMIT) -> Page:
    """The images that the query of a call names."""
    return page_of(request.app[EMULATOR].cloud, request[CALLER].project_id, request.query, limit)
