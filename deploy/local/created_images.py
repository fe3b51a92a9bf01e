"""Images that are created in the emulator as a person would, so that their events come over the bus."""

import aiohttp

from deploy.local.samples import Sample
from deploy.local.stack import Stack

CREATED = (
    ("an image is created in IMS", "web-base", 1),
    ("another is created, and the tag API is unavailable at first", "prod-db", 2),
)
"""Images that are created as a person would: title, name, attempts until its event is tagged."""


async def create_image(stack: Stack, title: str, name: str, attempts: int) -> Sample:
    """Creates an image in the emulator, as a person would, whose event is delivered so many times.

    For every attempt but the last, the tag API answers 503. Nothing else may be on its way meanwhile.
    """
    async with aiohttp.ClientSession(stack.ims, headers={"X-Auth-Token": stack.token}) as session:
        if attempts > 1:
            match = {"method": "PUT", "path": "/v1/cloudimages/tags"}
            fault = {"status": 503, "times": attempts - 1, "match": match}
            await session.post("/_emulator/faults", json=fault)
        async with session.post("/v2/images", json={"name": name, "__os_type": "Linux"}) as reply:
            image = await reply.json()
        async with session.get("/_emulator/events") as reply:
            events = (await reply.json())["events"]
    event_id = next(event["id"] for event in events if event["data"].get("resource_id") == image["id"])
    return Sample(title, event_id, image["id"], {"outcome": "tagged", "attempts": attempts})


async def create_from_server(stack: Stack) -> list[Sample]:
    """Creates an image as a console does: a job makes it, and two traces tell of it."""
    async with aiohttp.ClientSession(stack.ims, headers={"X-Auth-Token": stack.token}) as session:
        body = {"name": "web-2", "instance_id": "b3f7185d-e59a-4bb8-8a1d-7a513528b0e9"}
        async with session.post("/v2/cloudimages/action", json=body) as reply:
            job_id = (await reply.json())["job_id"]
        async with session.get("/_emulator/events") as reply:
            events = (await reply.json())["events"]
    titles = (
        "an image is made from a server; the first trace names its job",
        "the second trace names the image",
    )
    traces = [event for event in events if job_id in event["data"]["response"]]
    return [
        Sample(title, trace["id"], None, {"outcome": "tagged"})
        for title, trace in zip(titles, traces, strict=True)
    ]
