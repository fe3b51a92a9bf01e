"""The images of the emulator with their tags, their coverage, and the history of one."""

from typing import Any

from aiohttp import web

from deploy.local.console.doors import CommandFailed
from deploy.local.console.state import STATE, Doors
from deploy.local.console.views.page import doors_of, page
from deploy.local.stack import PROJECT_ID

routes = web.RouteTableDef()


@routes.get("/images")
async def show_images(request: web.Request) -> web.Response:
    doors = await doors_of(request)
    images = await doors.emulator.images()
    coverage, why_not = await _coverage(doors)
    return await page(request, "images", images=images, coverage=coverage, why_not=why_not)


@routes.get("/images/{image_id}")
async def show_image(request: web.Request) -> web.Response:
    """One image: what it is, its tags, the events and the calls about it."""
    doors, image_id = await doors_of(request), request.match_info["image_id"]
    shown = await doors.emulator.image(image_id)
    if shown is None:
        raise web.HTTPNotFound(text="The emulator has no such image.")
    records = [each for each in request.app[STATE].journal if image_id in each.image_ids]
    calls = [call for call in await doors.emulator.calls() if call["image_id"] == image_id]
    coverage, why_not = await _coverage(doors)
    return await page(
        request,
        "image",
        shown=shown,
        records=records,
        calls=calls[-100:],
        row=coverage.get(image_id),
        why_not=why_not,
    )


async def _coverage(doors: Doors) -> tuple[dict[str, Any], str]:
    """By id, what `images coverage` says of each image; and why it says nothing, if it does not."""
    settings = {"IMS_ENDPOINT": doors.stack.ims, "CTS_ENDPOINT": doors.stack.ims}
    settings |= {"OS_TOKEN": doors.stack.token, "PROJECTS": PROJECT_ID}
    try:
        rows = await doors.commands.rows("images", "coverage", **settings)
    except CommandFailed as failure:
        return {}, str(failure)
    return {row["image_id"]: row for row in rows}, ""
