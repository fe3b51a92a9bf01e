"""What the emulated service remembers of images with their tags, and of tokens."""

import math
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from deploy.local.ims.errors import Refused
from deploy.local.ims.fields import FLAG, OBJECT, TEXT, TEXTS, Form, at_least, is_texts, matching
from deploy.local.ims.limits import LIMITS, Limits
from deploy.local.ims.state.settings import Settings

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
PROJECT_ID = "0123456789abcdef0123456789abcdef"
REGION = "eu-de"
USER: Mapping[str, Any] = {
    "id": "5b726c4fbfd84821ba866bafaaf56aax",
    "name": "ada@example.com",
    "domain": {"id": "b2b3853af40448fcb9e40dxj89505ba8", "name": "example"},
}

RIGHTS = ("ims:images:list", "ims:images:get", "ims:images:update", "cts:trace:list")
DENIED: Form = (
    lambda denied: isinstance(denied, list) and all(right in RIGHTS for right in denied),
    f"a list of rights, of {', '.join(RIGHTS)}",
)


@dataclass(frozen=True)
class Token:
    """Who calls, for which project, and without which rights."""

    user: Annotated[Mapping[str, Any], OBJECT] = field(default_factory=lambda: USER)
    project_id: Annotated[str, TEXT] = PROJECT_ID
    expired: Annotated[bool, FLAG] = False
    ends_at: float = math.inf
    """Seconds since the epoch."""
    denied: Annotated[Sequence[str], DENIED] = ()


ID = matching(f"(?i:{UUID.pattern})", "a UUID")
MEMBERS: Form = (
    lambda members: is_texts(members) and set(members.values()) <= {"pending", "accepted", "rejected"},
    "an object of pending, accepted or rejected, under ids of projects",
)


@dataclass
class Image:
    id: Annotated[str, ID]
    project_id: Annotated[str, TEXT]
    created_at: Annotated[float, at_least(0)]
    """Seconds since the epoch."""
    attributes: Annotated[dict[str, Any], OBJECT]
    """As given when it was created: name, `__os_type` and the like."""
    public: Annotated[bool, FLAG] = False
    members: Annotated[dict[str, str], MEMBERS] = field(default_factory=dict)
    """The projects that it is shared with -> pending, accepted or rejected."""
    fixed_status: str | None = None
    """A status that time does not change."""
    tags: Annotated[dict[str, str], TEXTS] = field(default_factory=dict)
    updated_at: float | None = None
    """None: not since it was created."""
    changes: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    """When the tags were changed, in seconds since the epoch, and what they were before."""

    def is_visible_to(self, project_id: str) -> bool:
        return self.public or self.project_id == project_id or project_id in self.members


class Cloud:
    """The state of the service. clock: gives seconds since the epoch, as this machine has them."""

    def __init__(self, tokens: Iterable[str], clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.tokens = {token: Token() for token in tokens}
        self.images: dict[str, Image] = {}
        self.servers: dict[str, str] = {}
        """The id of a server -> the id of the image that it was made from."""
        self.settings = Settings()

    def clock(self) -> float:
        """The time of all services, in seconds since the epoch."""
        return self._clock() + self.settings.clock_ahead

    @property
    def limits(self) -> Limits:
        told = self.settings
        limits = LIMITS[told.limits].with_pairs(
            told.key_length, told.value_length, told.dots_in_keys, told.dots_in_values
        )
        return replace(limits, tags=told.tags_max or limits.tags, refusal=told.malformed_tag)

    def token(self, text: str | None) -> Token:
        """Raises `Refused` as the gateway does: APIG.0301 for no or an unknown token, else APIG.0307."""
        token = self.tokens.get(text or "")
        if token is None:
            raise Refused("APIG.0301")
        if token.expired or self.clock() >= token.ends_at:
            raise Refused("APIG.0307")
        return token

    def status(self, image: Image) -> str:
        """Queued for the first half of `active_after`, saving for the second."""
        if image.fixed_status is not None:
            return image.fixed_status
        age = self.clock() - image.created_at
        if age >= self.settings.active_after:
            return "active"
        return "queued" if age < self.settings.active_after / 2 else "saving"

    def own_image(self, image_id: str, project_id: str) -> Image:
        """An image of this project. Which code means what here is inferred from the list of codes."""
        if not UUID.fullmatch(image_id):
            raise Refused("IMG.0066")
        image = self.images.get(image_id.lower())
        if image is None:
            raise Refused.answering(self.settings.unknown_image_tagged)
        if image.public:
            raise Refused("IMG.0083")
        if image.project_id != project_id:
            raise Refused("IMG.0106")
        return image

    def active_image(self, image_id: str, project_id: str) -> Image:
        """An image of this project that is active (IMG.0046)."""
        image = self.own_image(image_id, project_id)
        if self.status(image) != "active":
            raise Refused("IMG.0046")
        return image

    def taggable_image(self, image_id: str, project_id: str) -> Image:
        """An image of this project whose status allows a change of its tags (IMG.0046)."""
        image = self.own_image(image_id, project_id)
        states = {"queued", "saving", "active"} if self.settings.taggable_before_active else {"active"}
        if self.status(image) not in states:
            raise Refused("IMG.0046")
        return image

    def tag(self, image: Image, tags: Mapping[str, str]) -> None:
        """Write all of these tags or, with a refusal, none; a key that is there needs no further room."""
        after = image.tags | dict(tags)
        if len(after) > self.limits.tags:
            raise Refused.answering(self.settings.full_image)
        self._change(image, after)

    def untag(self, image: Image, keys: Collection[str]) -> None:
        """Delete the tags of these keys as far as there are any."""
        self._change(image, {key: value for key, value in image.tags.items() if key not in keys})

    def _change(self, image: Image, tags: dict[str, str]) -> None:
        now = self.clock()
        if self.settings.readable_after:
            image.changes.append((now, image.tags))
        image.tags, image.updated_at = tags, now

    def readable_tags(self, image: Image) -> dict[str, str]:
        """The tags as a query for the image, or a list of images, shows them by now."""
        since = self.clock() - self.settings.readable_after
        return next((before for changed, before in image.changes if changed > since), image.tags)
