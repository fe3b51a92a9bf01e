"""What one delivery may take. Anybody who may publish decides what comes in, so this bounds it.

Its bytes (MAX_BODY_BYTES) and its time (EVENT_TIMEOUT) are settings. The rest is fixed here. Calls and log
lines
follow from it: an image takes a read and a call for each of its tags, an event or an image one line.
"""

MAX_EVENTS = 1000
"""Events of a delivery, whatever arrays and envelopes they come in. EventGrid sends 20 at most."""

MAX_IMAGES = 1000
"""Images of all events of a delivery together."""

MAX_ENVELOPES = 4
"""Envelopes around one event. The longest known way has two."""

MAX_DEPTH = 64
"""Levels of nesting of an event as JSON."""

AT_ONCE = 20
"""Images, or dead letters, of one delivery that are in hand at once. No batch of EventGrid has to wait."""
