"""The budget of one delivery. It is bounded because anybody who may publish decides what comes in.

The bytes (MAX_BODY_BYTES) and the time (EVENT_TIMEOUT) are settings. The other limits are fixed here, and
bound the calls and the log as well: an image takes one read and one call for each of its tags, and each event
or image leaves one log line.
"""

MAX_EVENTS = 1000
"""Events of a delivery, across all arrays and envelopes. EventGrid sends at most 20."""

MAX_IMAGES = 1000
"""Images of all events of a delivery together."""

MAX_CONTAINERS = 50_000
"""Arrays and objects in the JSON of a delivery. Each takes up to a hundred times the memory of its text."""

MAX_ATTRIBUTES = 1000
"""Attributes of one event. The head of a request in binary mode holds no more."""

MAX_ENVELOPES = 4
"""Envelopes around one event. Known senders use at most two."""

MAX_DEPTH = 64
"""Levels of nesting in the JSON of an event."""

BODIES_IN_WORK = 2
"""Bodies of the largest size, or as many bytes of smaller ones, that are in work at the same time."""

AT_ONCE = 20
"""Images, or dead letters, of one delivery in work at the same time. A batch of EventGrid never waits."""
