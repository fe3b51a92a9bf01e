"""What several files about the subscription share."""

from collections.abc import Callable
from typing import Any

from tests.processes.bus import Bus, Subscribing

Start = Callable[..., Subscribing]

EVENT = {"ce-specversion": "1.0", "ce-id": "42", "ce-source": "/images", "ce-type": "image.created"}
STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=UTF-8"}


def start(subscribing: Start, bus: Bus, url: str, **how: Any) -> Subscribing:
    """A subscription that is ready. how: its settings besides these."""
    subscription = subscribing(**({"back_off": 0.02, "NATS_URL": bus.url, "SUBSCRIBER_URL": url} | how))
    subscription.logged("subscription.ready")
    return subscription
