import base64
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from .binding import attribute, cloud_event
from .dead_letters import FACTS, restored
from .streams import DEAD_SUBJECTS, SUBJECTS


@dataclass(frozen=True)
class Letter:
    """A dead letter as IMAGES_DEAD keeps it.

    sequence: its number in the stream. stored: when it came there, an aware time.
    """

    sequence: int
    subject: str
    stored: datetime
    headers: Mapping[str, str]
    data: bytes

    @cached_property
    def event(self) -> dict[str, str] | None:
        """Members as `binding.cloud_event` reads them; None for what was kept as it is."""
        # Facts among the headers say so: what they were added to was no CloudEvent, whatever it looks like.
        kept_as_it_is = {name.lower() for name in self.headers} & set(FACTS)
        return None if kept_as_it_is else cloud_event(self.headers, self.data)

    @property
    def event_subject(self) -> str:
        """The subject of the bus to which the event was published, and is again."""
        return SUBJECTS + self.subject.removeprefix(DEAD_SUBJECTS)

    @property
    def message(self) -> tuple[dict[str, str], bytes]:
        """The headers and data of the message without the failure's facts."""
        return restored(self.headers, self.data, self.event)

    @property
    def destination(self) -> str:
        """Where it was posted to; empty if nobody says."""
        return self._fact("knativeerrordest")

    @property
    def code(self) -> int | None:
        """The status of the last reply; None where there was no reply."""
        return self._number("knativeerrorcode")

    @property
    def attempts(self) -> int | None:
        """How often it was delivered; None if nobody says."""
        return self._number("deliveryattempts")

    @property
    def reason(self) -> str:
        """How the last reply began, or why there was none; else what the subscriber added as its reason."""
        text = self._fact("knativeerrordata")
        # A dead letter of another subscription may hold plain text.
        with suppress(ValueError):
            text = base64.b64decode(text, validate=True).decode(errors="replace")
        own = (attribute(self.event, name) for name in ("deadletterreason", "deadlettermessage"))
        return text or ": ".join(filter(None, own))

    def mentions(self, image_id: str) -> bool:
        """Whether this UUID in lower case stands anywhere in the event, encoded data included."""
        _, data = self.message
        with suppress(ValueError):
            data += base64.b64decode(attribute(self.event, "data_base64") or "")
        headers = "\n".join(self.headers.values())
        return image_id in headers.lower() or image_id.encode() in data.lower()

    def facts(self) -> dict[str, Any]:
        """What is known of it but the event itself, as JSON."""
        return {
            "sequence": self.sequence,
            "stored": self.stored.isoformat(),
            "subject": self.event_subject,
            "code": self.code,
            "reason": self.reason,
            "attempts": self.attempts,
            "destination": self.destination,
        }

    def _fact(self, name: str) -> str:
        if self.event is None:
            return {key.lower(): value for key, value in self.headers.items()}.get(name, "")
        value = json.loads(self.event.get(name, '""'))
        return value if isinstance(value, str) else json.dumps(value)

    def _number(self, name: str) -> int | None:
        text = self._fact(name)
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else None
