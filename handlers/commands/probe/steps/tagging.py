"""The steps that look at the image that the person has named, and write the first tag on it."""

from handlers.commands.files import UsageError
from handlers.commands.probe import keys
from handlers.commands.probe.answers import Answer
from handlers.commands.probe.session import Session
from handlers.commands.probe.steps.puts import ROOM, own_tags, put, why_untagged
from handlers.commands.probe.steps.removing import delete, delete_batch, remove
from handlers.core.errors import ImageNotReady
from handlers.core.ims.image import tags_of
from handlers.core.ims.requests import image_call
from handlers.core.json_access import string

READS = (0.5, 1, 2, 3, 5, 8, 13)
"""Seconds after the tag at which it is looked for."""
OF_FIRST_TAG = ("readable_after", "taggable_before_active")


def image(session: Session) -> None:
    """Reads the image, removes what a killed run has left, and sees how tags can be removed."""
    observed, caller = session.observed, session.caller
    found = caller.ims(*image_call(session.image_id or ""))
    if found.is_refusal:
        raise UsageError(
            f"the image {session.image_id} is not found in the project {session.project_id}; "
            "name one of yours with --image"
        )
    if not observed.right("get", found) or not found.is_done:
        observed.miss("no-right" if found.is_denied else "unclear", "batch_call")
        return
    if found.body.get("owner", session.project_id) != session.project_id:
        raise UsageError(f"the image {session.image_id} belongs to another project; name one of yours")
    session.image = found.body
    left = keys.own_keys(tags_of(found.body))
    session.keys |= left
    batch = delete_batch(session, left or {keys.KEY})
    if batch.is_unknown_call:
        observed.add(batch_call=False)
    elif observed.right("batch", batch) and (batch.is_done or batch.is_refusal):
        observed.add(batch_call=True)
    observed.miss("no-right" if batch.is_denied else "unclear", "batch_call")
    if batch.is_done:
        session.removal = "batch"
        session.keys -= left
    else:
        single = delete(session)
        observed.right("update", single)
        if single.is_done or single.is_not_found:
            session.removal = "single"
            session.keys.discard(keys.KEY)
            remove(session, set(session.keys))
        if _is_not_ready(session, single):
            observed.add(taggable_before_active=False)
            observed.seen["not_ready"] = single.refusal


def tag(session: Session) -> None:
    """Whether the image takes a tag, in the state that it is in, and when the tag can be read."""
    observed = session.observed
    if not _can_write(session, *OF_FIRST_TAG):
        return
    if own_tags(session) >= ROOM:
        observed.miss("no-room", *OF_FIRST_TAG)
        return
    written = put(session, keys.KEY, keys.VALUE)
    session.tagged_at = session.caller.clock()
    session.is_tagged = written.is_done
    if _is_active(session):
        observed.miss("is-active", "taggable_before_active")
    elif written.is_done:
        observed.add(taggable_before_active=True)
    elif _is_not_ready(session, written):
        observed.add(taggable_before_active=False)
        observed.seen["not_ready"] = written.refusal
    if written.is_done:
        _read_tag(session)
    observed.miss("not-tagged", *OF_FIRST_TAG)


def _read_tag(session: Session) -> None:
    for seconds in READS:
        session.caller.wait_until(session.tagged_at + seconds)
        answer = session.caller.ims(*image_call(session.image_id or ""))
        for separator in "=.":
            if f"{keys.KEY}{separator}{keys.VALUE}" in tags_of(answer.body):
                session.observed.add(
                    readable_after=0 if seconds == READS[0] else seconds, tag_separator=separator
                )
                return
    session.observed.miss("too-late", "readable_after")


def _can_write(session: Session, *names: str) -> bool:
    if session.image and session.removal:
        return True
    session.observed.miss(why_untagged(session), *names)
    return False


def _is_active(session: Session) -> bool:
    return string(session.image, "status") == "active"


def _is_not_ready(session: Session, answer: Answer) -> bool:
    return not _is_active(session) and answer.is_refusal and answer.error is ImageNotReady
