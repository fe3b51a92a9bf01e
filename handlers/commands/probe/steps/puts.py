"""Writes a tag of the probe, as long as the image has room for it."""

from handlers.commands.probe import keys
from handlers.commands.probe.answers import Answer
from handlers.commands.probe.session import Session
from handlers.commands.probe.steps.removing import remove
from handlers.core.ims.image import tags_of
from handlers.core.ims.requests import tag_call
from handlers.core.ims.tags import Tag

ROOM = 10
"""Tags of an image that leave no room for another, as most variants of the limits have it."""


def put(session: Session, key: str, value: str) -> Answer:
    """Adds a tag. Where tags are removed one by one, one that is not needed any more goes at once."""
    if key not in {*session.keys, *keys.FILLERS} and own_tags(session) + len(session.keys) >= ROOM:
        remove(session, set(session.keys))  # or this would be one tag too many
    session.keys.add(key)  # before the call: nobody knows what a call without an answer has done
    answer = session.caller.ims("PUT", *call_of(session.image_id or "", key, value))
    session.observed.right("update", answer)
    if (answer.is_refusal or answer.is_denied) and key != keys.KEY:
        session.keys.discard(key)
    elif answer.is_done and session.removal == "single" and key not in {keys.KEY, *keys.FILLERS}:
        remove(session, {key})
    return answer


def call_of(image_id: str, key: str, value: str) -> tuple[str, dict[str, object] | None]:
    """The path and the body of the call that adds a tag."""
    call = tag_call(image_id, Tag(key, value), "image_tag")
    return call.path, call.body


def own_tags(session: Session) -> int:
    """How many tags the image has that are not the probe's."""
    return sum(not text.startswith(keys.PREFIX) for text in tags_of(session.image))


def why_untagged(session: Session) -> str:
    """Why the image has not taken the probe's first tag, as a key of `switches.REASONS`."""
    rights = session.observed.rights
    if session.observed.values.get("taggable_before_active") is False:
        return "not-tagged"
    if rights["get"] is False or rights["update"] is False:
        return "no-right"
    return session.observed.reasons.get("readable_after", "no-removal")
