"""The steps that find out which tags the image does not take, and how it says so."""

from handlers.commands.probe import keys
from handlers.commands.probe.session import Session
from handlers.commands.probe.steps.puts import ROOM, call_of, own_tags, put, why_untagged
from handlers.commands.probe.steps.removing import remove, reserve
from handlers.core.ims.image import NO_IMAGE
from handlers.core.ims.requests import batch_call
from handlers.core.ims.tags import Tag

OF_TAGS = ("malformed_tag", "key_length", "value_length", "dots_in_keys", "dots_in_values")
OF_QUOTA = ("tags_max", "full_image")


def refusals(session: Session) -> None:
    """Which tags the image takes, and what others, and an unknown image, are refused with."""
    observed = session.observed
    unknown = session.caller.ims("PUT", *call_of(NO_IMAGE, keys.KEY, keys.VALUE))
    if unknown.is_refusal and observed.right("update", unknown):
        observed.add(unknown_image_tagged=unknown.refusal)
    observed.miss("no-right" if unknown.is_denied else "unclear", "unknown_image_tagged")
    if not session.is_tagged:
        observed.miss(why_untagged(session), *OF_TAGS)
        return
    values: dict[str, object] = {
        "value_length": _takes(session, keys.KEY, keys.LONG_VALUE, {True: 255, False: 43}),
        "dots_in_values": _takes(session, keys.KEY, keys.DOTTED_VALUE),
        "dots_in_keys": _takes(session, keys.DOTTED, keys.VALUE),
        "key_length": _takes(session, keys.LONG, keys.VALUE, {True: 43, False: 36}),
    }
    if values["key_length"] == 43:  # noqa: PLR2004 - the key of 43 characters was taken
        values["key_length"] = _takes(session, keys.LONGER, keys.VALUE, {True: 128, False: 43})
    malformed = put(session, keys.MALFORMED, keys.VALUE)
    if malformed.is_refusal:
        values["malformed_tag"] = malformed.refusal
    observed.miss("taken" if malformed.is_done else "unclear", "malformed_tag")
    observed.add(**{name: value for name, value in values.items() if value is not None})
    observed.miss("unclear", *OF_TAGS)
    remove(session, session.keys - {keys.KEY})


def _takes(
    session: Session, key: str, value: str, values: dict[bool, int] | None = None
) -> bool | int | None:
    """Whether the image takes a tag, as one of these values; None if the answer does not say it."""
    answer = put(session, key, value)
    if not (answer.is_done or answer.is_refusal):
        return None
    return values[answer.is_done] if values else answer.is_done


def quota(session: Session) -> None:
    """What the eleventh tag is answered with."""
    observed = session.observed
    if not session.is_tagged:
        observed.miss(why_untagged(session), *OF_QUOTA)
        return
    room = ROOM - own_tags(session) - len(session.keys)
    if room < 0:
        observed.miss("no-room", *OF_QUOTA)
        return
    # With these fillers, the image has ten tags.
    *fillers, last = keys.FILLERS[: room + 1]
    is_batch = session.removal == "batch"
    calls = 3 if is_batch else 2 * len(fillers) + 3
    if session.caller.left < calls + reserve(session):
        observed.miss("no-calls", *OF_QUOTA)
        return
    filled = not fillers or _fill(session, fillers, is_batch=is_batch)
    answer = put(session, last, keys.VALUE) if filled else None
    if answer and answer.is_done:
        observed.add(tags_max=20)
        observed.miss("taken", "full_image")
    elif answer and answer.is_refusal:
        observed.add(tags_max=10, full_image=answer.refusal)
    observed.miss("unclear", *OF_QUOTA)
    remove(session, session.keys - {keys.KEY})


def _fill(session: Session, fillers: list[str], *, is_batch: bool) -> bool:
    """Whether the image has taken all of these."""
    if not is_batch:
        return all(put(session, key, keys.VALUE).is_done for key in fillers)
    session.keys |= set(fillers)
    image_id = session.image_id or ""
    call = batch_call(session.project_id, image_id, [Tag(key, keys.VALUE) for key in fillers])
    return session.caller.ims(*call).is_done
