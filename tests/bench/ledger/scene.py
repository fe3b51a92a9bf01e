"""What is created in the emulator: images of all kinds, by several people, in two projects."""

import random
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tests.bench.ledger.table import Tags
from tests.processes.emulator import Ims

OTHER_PROJECT = "fedcba9876543210fedcba9876543210"
PEOPLE = ("ada@example.com", "Grace@example.com", "ci-build@example.com", "ci-nightly")
FOREIGNER = "eve@example.com"

KINDS = {
    "server": 35,
    "disk": 8,
    "native": 18,
    "several": 8,
    "copy": 12,
    "public": 3,
    "foreign": 4,
    "silent": 12,
}
"""How often each kind of creation is chosen. Of a silent one there is neither an event nor a trace."""

DAY = 86_400.0
BASES = 6


class Scene:
    """Creates images in the emulator, whose names are unique.

    given: by name, the tags that somebody gave by hand. created: how many images there were of each kind.
    """

    def __init__(self, ims: Ims, rng: random.Random) -> None:
        self.given: dict[str, Tags] = {}
        self.created = dict.fromkeys(KINDS, 0)
        self._ims = ims
        self._rng = rng
        for name in (*PEOPLE, FOREIGNER):
            project = OTHER_PROJECT if name == FOREIGNER else ims.project_id
            ims.put_token(f"canary-{name}", project_id=project, user={"name": name})
        self._bases = list(self._put_bases())
        self._servers = list(self._put_servers())

    def _put_bases(self) -> Iterator[str]:
        """Images that others are made from, with owners."""
        for number in range(BASES):
            owned = {"owner": f"team-{number}", "cost-centre": str(4000 + number)}
            yield self._put(f"base-{number}", dict(list(owned.items())[: number % 2 + 1]))

    def _put_servers(self) -> Iterator[str]:
        public = self._put("debian", {}, public=True)
        gone = self._uuid()
        for parent in (*self._bases, public, gone):
            server = self._uuid()
            self._ims.put_server(server, parent)
            yield server
        yield self._uuid()  # of which nobody knows the image

    def create(self, number: int) -> None:
        """One creation, which may be of several images."""
        [kind] = self._rng.choices(list(KINDS), list(KINDS.values()))
        name = f"{self._rng.choice(('prod', 'web', 'db'))}-{number}"
        self.created[kind] += 3 if kind == "several" else 1
        token = f"canary-{FOREIGNER if kind == 'foreign' else self._rng.choice(PEOPLE)}"
        match kind:
            case "silent":
                self._put_silent(name)
            case "several":
                disks = [
                    self._body(f"{name}-{part}") | {"volume_id": self._uuid()} for part in ("a", "b", "c")
                ]
                self._post("/v2/cloudimages/action", token, {"data_images": disks})
            case "copy":
                source = self._rng.choice(self._bases)
                self.given[name] = {}
                self._post(f"/v1/cloudimages/{source}/copy", token, {"name": name})
            case "native" | "public":
                self._create_natively(name, token, public=kind == "public")
            case "disk" | "foreign":
                self._post("/v2/cloudimages/action", token, self._body(name) | {"volume_id": self._uuid()})
            case "server":
                server = self._rng.choice(self._servers)
                self._post("/v2/cloudimages/action", token, self._body(name) | {"instance_id": server})

    def _create_natively(self, name: str, token: str, *, public: bool) -> None:
        tags = [f"{key}={value}" for key, value in self._tags(name).items()]
        image = self._post("/v2/images", token, {"name": name, "tags": tags})
        if public:
            # Its owner publishes it at once.
            self._ims.image(id=image["id"], public=True, attributes={"name": name}, tags=self.given[name])

    def _put_silent(self, name: str) -> None:
        """An image from before there were rules: some are shared, some are not ours."""
        owner = self._rng.choice(({}, {}, {"owner": "linus"}))
        ours: dict[str, Any] = {"project_id": self._ims.project_id}
        theirs: dict[str, Any] = {"project_id": OTHER_PROJECT}
        of = self._rng.choice(
            (
                *[ours] * 6,
                ours | {"members": {OTHER_PROJECT: "accepted"}},
                theirs,
                theirs | {"members": {self._ims.project_id: "accepted"}},
                ours | {"public": True},
            )
        )
        self._put(name, self._tags(name) | owner, **of)

    def _put(self, name: str, tags: Tags, **given: Any) -> str:
        """An old image."""
        self.given[name] = tags
        at = time.time() - self._rng.uniform(8, 400) * DAY
        return self._ims.image(attributes={"name": name}, tags=tags, created_at=at, **given)

    def _body(self, name: str) -> dict[str, Any]:
        tags = [{"key": key, "value": value} for key, value in self._tags(name).items()]
        return {"name": name, "image_tags": tags}

    def _tags(self, name: str) -> Tags:
        """What somebody gives by hand: a tag that no rule names, and one that a rule keeps."""
        self.given[name] = dict(self._rng.choice(({}, {}, {"note": "mine"}, {"env": "test"})))
        return self.given[name]

    def _post(self, path: str, token: str, body: dict[str, Any]) -> Any:
        response = self._ims.api("POST", path, token=token, json=body)
        assert response.ok, response.text
        return response.json()

    def _uuid(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4))
