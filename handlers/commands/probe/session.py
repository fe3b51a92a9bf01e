"""What the steps of one run share."""

from dataclasses import dataclass, field

from handlers.commands.probe.answers import Observed
from handlers.commands.probe.caller import Caller
from handlers.core.json_access import Json


@dataclass
class Session:
    """image_id: of the image that may get tags for a moment; None if nothing is written.

    images: the own ones, the newest first. traces: as Cloud Trace Service lists them, the newest first.
    """

    caller: Caller
    image_id: str | None
    observed: Observed = field(default_factory=Observed)
    images: list[Json] = field(default_factory=list)
    traces: list[Json] = field(default_factory=list)
    image: Json = field(default_factory=dict)
    """As it was before the first tag; empty if it cannot be read, and then nothing is written."""
    removal: str = ""
    """How tags are removed: "batch", "single", or "" if in no way; then nothing is written."""
    keys: set[str] = field(default_factory=set)
    """Of the probe's tags that the image may have by now."""
    is_tagged: bool = False
    """Whether the image has taken the probe's first tag."""
    tagged_at: float = 0
    """When that was, in seconds of the caller's clock."""

    @property
    def project_id(self) -> str:
        return self.caller.project_id

    @property
    def ids(self) -> set[str]:
        """Of the own images."""
        return {image["id"].lower() for image in self.images}
