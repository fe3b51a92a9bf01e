"""Which events say that an image was created, and which images they are about."""

from handlers.core.events.recognise import recognise
from handlers.core.events.recognised import CreationSignals, ImageCreated, ImageJob, OtherEvent, Recognised

__all__ = [
    "CreationSignals",
    "ImageCreated",
    "ImageJob",
    "OtherEvent",
    "Recognised",
    "recognise",
]
