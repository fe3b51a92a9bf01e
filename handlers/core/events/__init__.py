"""Which events say that an image was created, and which images they are about."""

from handlers.core.events.images import CreationSignals, ImageCreated, ImageJob, OtherEvent, Recognised
from handlers.core.events.projects import served_project
from handlers.core.events.recognise import recognise

__all__ = [
    "CreationSignals",
    "ImageCreated",
    "ImageJob",
    "OtherEvent",
    "Recognised",
    "recognise",
    "served_project",
]
