"""The object `image` that rules read, whatever the shape of the event."""

from handlers.core.json_access import Json

IMAGE_FIELDS: Json = {
    "id": None,
    "name": None,
    "project_id": None,
    "region": None,
    "created_at": None,
    "os_type": None,
    "creator": {"kind": None, "name": None, "id": None, "domain": None, "tool": None},
}
"""The names under `image.` that a rule can read. A name is absent if the event has no value for it."""
