"""The steps that write tags, on the one image that the person has named, and remove them again."""

from handlers.commands.files import UsageError
from handlers.commands.live_check import NO_IMAGE
from handlers.commands.probe import keys
from handlers.commands.probe.answers import Answer
from handlers.commands.probe.removing import delete, delete_batch, remove, reserve
from handlers.commands.probe.session import Session
from handlers.core.errors import ImageNotReady
from handlers.core.ims.image import tags_of
from handlers.core.ims.requests import batch_call, tag_call
from handlers.core.ims.tags import Tag
from handlers.core.json_access import string

READS = (0.5, 1, 2, 3, 5, 8, 13)
"""Seconds after the tag at which it is looked for."""
ROOM = 10
"""Tags of an image that leave no room for another, as most variants of the limits have it."""
OF_TAGS = ("malformed_tag", "key_length", "value_length", "dots_in_keys", "dots_in_values")


def image(session: Session) -> None:
    """Reads the image, removes what a killed run has left, and sees how tags can be removed."""
    observed, caller = session.observed, session.caller
    found = caller.ims("GET", f"/v2/images/{session.image_id}")
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
    if not _can_write(session, "readable_after", "taggable_before_active"):
        return
    if _own_tags(session) >= ROOM:
        observed.miss("no-room", "readable_after", "taggable_before_active")
        return
    written = _put(session, keys.KEY, keys.VALUE)
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
    observed.miss("not-tagged", "readable_after", "taggable_before_active")


def _read_tag(session: Session) -> None:
    for seconds in READS:
        session.caller.wait_until(session.tagged_at + seconds)
        answer = session.caller.ims("GET", f"/v2/images/{session.image_id}")
        for separator in "=.":
            if f"{keys.KEY}{separator}{keys.VALUE}" in tags_of(answer.body):
                session.observed.add(
                    readable_after=0 if seconds == READS[0] else seconds, tag_separator=separator
                )
                return
    session.observed.miss("too-late", "readable_after")


def refusals(session: Session) -> None:
    """Which tags the image takes, and what others, and an unknown image, are refused with."""
    observed = session.observed
    unknown = session.caller.ims("PUT", *_body(NO_IMAGE, keys.KEY, keys.VALUE))
    if unknown.is_refusal and observed.right("update", unknown):
        observed.add(unknown_image_tagged=unknown.refusal)
    observed.miss("no-right" if unknown.is_denied else "unclear", "unknown_image_tagged")
    if not session.is_tagged:
        observed.miss(_why_untagged(session), *OF_TAGS)
        return
    values: dict[str, object] = {
        "value_length": _takes(session, keys.KEY, keys.LONG_VALUE, {True: 255, False: 43}),
        "dots_in_values": _takes(session, keys.KEY, keys.DOTTED_VALUE),
        "dots_in_keys": _takes(session, keys.DOTTED, keys.VALUE),
        "key_length": _takes(session, keys.LONG, keys.VALUE, {True: 43, False: 36}),
    }
    if values["key_length"] == 43:  # noqa: PLR2004 - taken
        values["key_length"] = _takes(session, keys.LONGER, keys.VALUE, {True: 128, False: 43})
    malformed = _put(session, keys.MALFORMED, keys.VALUE)
    if malformed.is_refusal:
        values["malformed_tag"] = malformed.refusal
    observed.miss("taken" if malformed.is_done else "unclear", "malformed_tag")
    observed.add(**{name: value for name, value in values.items() if value is not None})
    observed.miss("unclear", *OF_TAGS)
    remove(session, session.keys - {keys.KEY})


def quota(session: Session) -> None:
    """What the eleventh tag is answered with."""
    observed = session.observed
    if not session.quota:
        observed.miss("no-quota", "tags_max", "full_image")
        return
    if not session.is_tagged:
        observed.miss(_why_untagged(session), "tags_max", "full_image")
        return
    # With these fillers, the image has ten tags.
    *fillers, last = keys.FILLERS[: ROOM - _own_tags(session) - len(session.keys) + 1]
    is_batch = session.removal == "batch"
    calls = 3 if is_batch else 2 * len(fillers) + 3
    if session.caller.left < calls + reserve(session):
        observed.miss("no-calls", "tags_max", "full_image")
        return
    filled = not fillers or _fill(session, fillers, is_batch=is_batch)
    answer = _put(session, last, keys.VALUE) if filled else None
    if answer and answer.is_done:
        observed.add(tags_max=20)
        observed.miss("taken", "full_image")
    elif answer and answer.is_refusal:
        observed.add(tags_max=10, full_image=answer.refusal)
    observed.miss("unclear", "tags_max", "full_image")
    remove(session, session.keys - {keys.KEY})


def _fill(session: Session, fillers: list[str], *, is_batch: bool) -> bool:
    """Whether the image has taken all of these."""
    if not is_batch:
        return all(_put(session, key, keys.VALUE).is_done for key in fillers)
    session.keys |= set(fillers)
    image_id = session.image_id or ""
    call = batch_call(session.project_id, image_id, [Tag(key, keys.VALUE) for key in fillers])
    return session.caller.ims(*call).is_done


def _takes(
    session: Session, key: str, value: str, values: dict[bool, int] | None = None
) -> bool | int | None:
    """Whether the image takes a tag, as one of these values; None if the answer does not say it."""
    answer = _put(session, key, value)
    if not (answer.is_done or answer.is_refusal):
        return None
    return values[answer.is_done] if values else answer.is_done


def _put(session: Session, key: str, value: str) -> Answer:
    """Adds a tag. Where tags are removed one by one, one that is not needed any more goes at once."""
    if key not in {*session.keys, *keys.FILLERS} and _own_tags(session) + len(session.keys) >= ROOM:
        remove(session, set(session.keys))  # or this would be one tag too many
    session.keys.add(key)  # before the call: nobody knows what a call without an answer has done
    answer = session.caller.ims("PUT", *_body(session.image_id or "", key, value))
    session.observed.right("update", answer)
    if (answer.is_refusal or answer.is_denied) and key != keys.KEY:
        session.keys.discard(key)
    elif answer.is_done and session.removal == "single" and key not in {keys.KEY, *keys.FILLERS}:
        remove(session, {key})
    return answer


def _own_tags(session: Session) -> int:
    """How many tags the image has that are not the probe's."""
    return sum(not text.startswith(keys.PREFIX) for text in tags_of(session.image))


def _body(image_id: str, key: str, value: str) -> tuple[str, dict[str, object] | None]:
    call = tag_call(image_id, Tag(key, value), "image_tag")
    return call.path, call.body


def _can_write(session: Session, *names: str) -> bool:
    if session.image and session.removal:
        return True
    session.observed.miss(_why_untagged(session), *names)
    return False


def _why_untagged(session: Session) -> str:
    rights = session.observed.rights
    if session.observed.values.get("taggable_before_active") is False:
        return "not-tagged"
    if rights["get"] is False or rights["update"] is False:
        return "no-right"
    return session.observed.reasons.get("readable_after", "no-removal")


def _is_active(session: Session) -> bool:
    return string(session.image, "status") == "active"


def _is_not_ready(session: Session, answer: Answer) -> bool:
    return not _is_active(session) and answer.is_refusal and answer.error is ImageNotReady
