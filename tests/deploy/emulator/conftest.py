"""What several files about the emulator share."""

from typing import Any

import requests

from tests.processes.emulator import Ims

ADD = "/v1/cloudimages/tags"
OTHER_PROJECT = "fedcba9876543210fedcba9876543210"


def add(ims: Ims, image_id: str, key: str, value: str) -> requests.Response:
    pair = {"key": key, "value": value}
    return ims.api("PUT", ADD, json={"image_id": image_id, "image_tag": pair})


def create(ims: Ims, **body: Any) -> dict[str, Any]:
    response = ims.api("POST", "/v2/images", json=body)
    assert response.status_code == 201, response.text
    return dict(response.json())
