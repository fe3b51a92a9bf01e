"""Removes the probe's tags from the image, and sees whether they are gone."""

from collections.abc import Collection
from urllib.parse import quote

from handlers.commands.files import UsageError
from handlers.commands.probe.answers import Answer
from handlers.commands.probe.caller import CALLS_MAX, OutOfCalls
from handlers.commands.probe.keys import KEY, own_keys
from handlers.commands.probe.session import Session
from handlers.core.ims.image import tags_of
from handlers.core.ims.requests import image_call, tags_path

ROUNDS = 2
"""How often what is left is removed at the end."""


def remove(session: Session, keys: Collection[str]) -> None:
    """Removes tags of these keys, of which some may not be there. What may be left is in `session.keys`."""
    if not keys:
        return
    if session.removal == "batch" and delete_batch(session, keys).is_done:
        session.keys -= set(keys)
        return
    for key in sorted(keys):
        answer = delete(session, key)
        if answer.is_done or answer.is_not_found:
            session.keys.discard(key)


def delete_batch(session: Session, keys: Collection[str]) -> Answer:
    """The batch call takes a missing tag for a success, so it can be tried where there is none."""
    # POST /v2/{project_id}/images/{image_id}/tags/action (IMS API reference, "Adding or Deleting Image Tags
    # in a Batch")
    body = {"action": "delete", "tags": [{"key": key} for key in sorted(keys)]}
    return session.caller.ims("POST", f"{_tags(session)}/action", body)


def delete(session: Session, key: str = KEY) -> Answer:
    """404 if the image has no tag of the key."""
    # DELETE /v2/{project_id}/images/{image_id}/tags/{key} (IMS API reference, "Deleting an Image Tag")
    return session.caller.ims("DELETE", f"{_tags(session)}/{quote(key, safe='')}")


def clean(session: Session) -> set[str]:
    """Leaves the image as it was. Gives the keys of the tags that may be left."""
    if not session.removal:
        return session.keys
    session.caller.limit = CALLS_MAX
    try:
        for _ in range(ROUNDS):
            if session.keys:
                remove(session, set(session.keys))
                session.caller.wait(session.observed.values.get("readable_after", 0))
            answer = session.caller.ims(*image_call(session.image_id or ""))
            if not answer.is_done:
                return session.keys
            session.keys |= own_keys(tags_of(answer.body))
            if not session.keys:
                break
    except (UsageError, OutOfCalls):
        pass  # what may be left is said
    return session.keys


def reserve(session: Session) -> int:
    """The calls that removing what the image may have by now takes, at most."""
    return (
        0 if not session.removal else ROUNDS * (1 + (1 if session.removal == "batch" else len(session.keys)))
    )


def _tags(session: Session) -> str:
    return tags_path(session.project_id, session.image_id or "")
