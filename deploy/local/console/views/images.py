"""The images of the emulator with their tags, their coverage, and the history of one."""

from typing import Any

from aiohttp import web

from deploy.local.console.doors import CommandFailed
from deploy.local.console.state import STATE, Doors
from deploy.local.console.views.page import doors_of, page

routes = web.RouteTableDef()


@routes.get("/images")
async def show_images(request: web.Request) -> web.Response:
    doors = await doors_of(request)
    images = await doors.emulator.images()
    return await page(request, "images", images=images, coverage=await _coverage(doors), shown=None)


@routes.get("/images/{image_id}")
async def show_image(request: web.Request) -> web.Response:
    """One image: what it is, its tags, the events and the calls about it."""
    doors, image_id = await doors_of(request), request.match_info["image_id"]
    shown = await doors.emulator.image(image_id)
    if shown is None:
        raise web.HTTPNotFound(text="The emulator has no such image.")
    records = [each for each in request.app[STATE].journal if image_id in each.image_ids]
    calls = [call for call in await doors.emulator.calls() if call["image_id"] == image_id]
    return await page(
        request, "image", shown=shown, records=records, calls=calls[-100:], coverage=await _coverage(doors)
    )


async def _coverage(doors: Doors) -> dict[str, Any]:
    """By id, what `images coverage` says of each image; {} where there is no such command."""
    settings = {"IMS_ENDPOINT": doors.stack.ims, "OS_TOKEN": doors.stack.token}
    try:
        rows = await doors.commands.rows("images", "coverage", **settings)
    except CommandFailed:
        return {}
    return {row["image_id"]: row for row in rows if "image_id" in row}
