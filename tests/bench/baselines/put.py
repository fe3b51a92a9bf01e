"""The handler that a user writes in an afternoon: a call of requests for each tag."""

import os

import requests
from cloudevents.http import from_http
from flask import Request


def tag_created_image(request: Request) -> tuple[str, int]:
    event = from_http(request.headers, request.get_data())
    trace = event.data
    tags = {
        "created-by": trace["user"]["name"],
        "created-on": event["time"][:10],
        "created-for": "production",
    }
    for key, value in tags.items():
        requests.put(
            f"{os.environ['IMS_ENDPOINT']}/v1/cloudimages/tags",
            headers={"X-Auth-Token": os.environ["OS_TOKEN"]},
            json={"image_id": trace["resource_id"], "image_tag": {"key": key, "value": value}},
            timeout=10,
        ).raise_for_status()
    return "", 204
