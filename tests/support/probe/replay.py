"""A recorded run of calls, and what a cloud answers to it, so that two clouds can be compared."""

import json
import random
import re
from typing import Any, NamedTuple
from uuid import UUID

from tests.processes.emulator import Ims

_KEYS = (*"abcdefgh", "a.b", "k" * 37, "k" * 44, "bad*")
_VALUES = ("", "1", "1.1", "v" * 44)
_IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z|\b1[0-9]{12}\b")
_NO_IMAGE = str(UUID(int=0))
_OPERATIONS = {
    "create": 2,
    "create natively": 1,
    "copy": 1,
    "tag": 12,
    "batch": 3,
    "delete": 3,
    "show": 8,
    "list": 4,
    "tags": 4,
    "job": 4,
    "traces": 4,
    "wait": 4,
}
"""What is done how often."""


class Operation(NamedTuple):
    """what: one of the above. image: the number of the image, or of the job; None for one that nobody has."""

    what: str
    image: int | None
    key: str
    value: str
    limit: int


def recorded(seed: int, number: int) -> list[Operation]:
    """So many calls, drawn by chance."""
    chance = random.Random(seed)  # noqa: S311 - no secret, but the same calls each time
    kinds = chance.choices(list(_OPERATIONS), list(_OPERATIONS.values()), k=number)
    return [
        Operation(
            kind,
            None if chance.random() < 0.1 else chance.randrange(1000),
            chance.choice(_KEYS),
            chance.choice(_VALUES),
            chance.choice((1, 10, 200)),
        )
        for kind in kinds
    ]


class Player:
    """Makes calls of one cloud. What differs from cloud to cloud by chance, ids and times, is replaced."""

    def __init__(self, ims: Ims) -> None:
        self._ims = ims
        self._images: list[str] = []
        self._jobs: list[str] = []
        self._names: dict[str, str] = {Ims.project_id: "PROJECT", _NO_IMAGE: "NO IMAGE"}
        self._ahead = 0.0

    def answer(self, operation: Operation) -> tuple[int, str]:
        """The status and the body."""
        if operation.what == "wait":
            self._ahead += 20
            self._ims.settings(clock_ahead=self._ahead)
            return 0, ""
        method, path, body = self._call(operation)
        reply = self._ims.api(method, path, json=body)
        if operation.what.startswith(("create", "copy")) and reply.ok:
            self._note(operation.what, reply.json())
        return reply.status_code, self._replaced(reply.text)

    def _call(self, operation: Operation) -> tuple[str, str, Any]:
        what, number, key, value, limit = operation
        project = Ims.project_id
        image = _NO_IMAGE if number is None or not self._images else self._images[number % len(self._images)]
        job = "0" * 32 if number is None or not self._jobs else self._jobs[number % len(self._jobs)]
        tag = {"key": key, "value": value}
        calls: dict[str, tuple[str, str, Any]] = {
            "create": ("POST", "/v2/cloudimages/action", {"name": f"web-{limit}", "instance_id": _NO_IMAGE}),
            "create natively": ("POST", "/v2/images", {"name": f"native-{limit}"}),
            "copy": ("POST", f"/v1/cloudimages/{image}/copy", {"name": f"copy-{limit}"}),
            "tag": ("PUT", "/v1/cloudimages/tags", {"image_id": image, "image_tag": tag}),
            "batch": (
                "POST",
                f"/v2/{project}/images/{image}/tags/action",
                {"action": "create" if limit > 1 else "delete", "tags": [tag, {"key": "z", "value": "1"}]},
            ),
            "delete": ("DELETE", f"/v2/{project}/images/{image}/tags/{key}", None),
            "show": ("GET", f"/v2/images/{image}", None),
            "list": ("GET", f"/v2/cloudimages?owner={project}&limit={limit}", None),
            "tags": ("GET", f"/v2/{project}/images/{image}/tags", None),
            "job": ("GET", f"/v1/{project}/jobs/{job}", None),
            "traces": ("GET", f"/v3/{project}/traces?service_type=IMS&limit={limit}", None),
        }
        return calls[what]

    def _note(self, what: str, reply: dict[str, Any]) -> None:
        if what == "create natively":
            self._images.append(reply["id"])
            return
        self._jobs.append(reply["job_id"])
        newest = self._ims.control("GET", "images")["images"][-1]
        self._images.append(newest["id"])

    def _replaced(self, text: str) -> str:
        if text.startswith("{"):
            body = json.loads(text)
            body.pop("request_id", None)
            text = json.dumps(body)
        return _IDS.sub(
            lambda found: self._names.setdefault(found[0], f"ID-{len(self._names)}"), _TIMES.sub("TIME", text)
        )
