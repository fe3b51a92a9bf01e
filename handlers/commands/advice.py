"""What an operator needs to know of a dead letter: what happened, why it stays so, what to do.

Why it stays so is the reason on the error's row in `core.outcomes`; the rest is said here, once an error.
"""

from typing import NamedTuple

from handlers.commands.letter import Letter
from handlers.core import errors
from handlers.core.outcomes import TABLE, Row
from handlers.core.received import Received


class Advice(NamedTuple):
    """Sentences for somebody who has never seen the code."""

    happened: str
    why_it_stays: str
    to_do: str


def advice_on(letter: Letter) -> Advice:
    if not any(isinstance(event, Received) for event in letter.events):
        return UNREADABLE
    if not letter.reason:
        return BY_STATUS.get(letter.code, UNEXPLAINED)
    by_name = {error.__name__: error for error in BY_ERROR}
    error = by_name.get(letter.reason, Exception)  # an error that nobody foresaw has a name of Python's
    happened, to_do = BY_ERROR[error]
    return Advice(happened, _why_it_stays(TABLE[error], letter), to_do)


def _why_it_stays(row: Row, letter: Letter) -> str:
    match row.action:
        case "dead-letter":
            return f"Another delivery changes nothing: {row.why}."
        case "retry-within-window":
            return (
                f"The function asks for another delivery only while the event is young ({row.why}). It was "
                "older than NOT_READY_WINDOW, or has no time that can be believed."
            )
        case _:
            moved = " Or the rules table ends events of this code, under [outcomes]." if letter.code else ""
            return (
                f"The function asked for another delivery each time ({row.why}), until the bus had made as "
                f"many as it makes.{moved}"
            )


LIVE = "python main.py check --live"
REDRIVE = "`dead-letters redrive`"
REHEARSE = "`dead-letters redrive --dry-run`"

BY_ERROR: dict[type[Exception], tuple[str, str]] = {
    errors.InvalidEvent: (
        "The event says that an image was created, but lacks what is needed to tag it, or is malformed.",
        "Tell its sender what the message says. Tag this image by hand, or have a whole event sent.",
    ),
    errors.ProjectNotServed: (
        "The image is in a project that this function does not serve.",
        f"Add the project to PROJECTS, or route its events to the function that serves it. Then {REDRIVE}.",
    ),
    errors.CreationFailed: (
        "The job that was to make the image has failed, so there is no image.",
        "Nothing, for this event. When somebody makes the image again, an event of its own says so.",
    ),
    errors.DeliveryTooLarge: (
        "The delivery held more events or images than one delivery may, or than fit into EVENT_TIMEOUT.",
        f"Have the bus deliver fewer events at a time. {REDRIVE} sends what was kept event by event.",
    ),
    errors.OutOfTime: (
        "EVENT_TIMEOUT passed before the image was tagged, at each delivery.",
        f"See what takes the time in `api_milliseconds` of the log, or raise EVENT_TIMEOUT. Then {REDRIVE}.",
    ),
    errors.MissingAttribute: (
        "A rule asks for an attribute that this event does not have, and says that the event then fails.",
        f'In the rule, give the value a default, or on_missing = "skip". Try {REHEARSE}, then {REDRIVE}.',
    ),
    errors.InvalidTag: (
        "A rule makes a tag that the image service would refuse, and does not allow it to be mended.",
        f'In the rule, change the value, or set on_invalid to "fix". Try {REHEARSE}, then {REDRIVE}.',
    ),
    errors.RequestRejected: (
        "The tag API understood the request and refused it.",
        (
            "Look the code up in the error codes of Image Management Service (IMG) or API Gateway (APIG), "
            f"and mend what it names. Then {REDRIVE}."
        ),
    ),
    errors.TagRefused: (
        "The image service refused a tag: it does not take the length or a character of its key or value.",
        f"In the rules table, set `limits` to what your cloud takes, or change the value. Then {REDRIVE}.",
    ),
    errors.TagQuotaExceeded: (
        "The image has as many tags as an image may have.",
        f"Delete a tag of the image that nobody needs, or have the rules set fewer. Then {REDRIVE}.",
    ),
    errors.ImageNotTaggable: (
        "The image is public or belongs to another account, and only its owner can tag it.",
        "Nothing, if that is right. A condition (`when`) in the rules keeps such images from being tagged.",
    ),
    errors.ImageNotFound: (
        "The image service knows no image of this id where the function's credentials are valid.",
        (
            "Nothing, if the image was deleted. Else set IMS_ENDPOINT to its region, and use credentials for "
            f"its project. Then {REDRIVE}."
        ),
    ),
    errors.ImageNotReady: (
        "The image was not ready to be tagged.",
        f"See the image's status. Once it is active, {REDRIVE}. If its creation has failed: nothing.",
    ),
    errors.JobRunning: (
        "The job that makes the image was still running at the last delivery.",
        f"When the image is there, {REDRIVE}. If this happens often, let the bus deliver for longer.",
    ),
    errors.PermissionDenied: (
        "The credentials are valid, but lack a right, or are for another project or account.",
        f"Grant ims:images:get and ims:images:update in its project. Try `{LIVE}`, then {REDRIVE}.",
    ),
    errors.CredentialsRejected: (
        "The tag API did not accept the function's credentials.",
        f"Renew or replace the credentials. Try `{LIVE}`, then {REDRIVE}.",
    ),
    errors.Throttled: (
        "The tag API was called more often than it allows.",
        f"Use {REDRIVE} with a small --rate. If this happens often, let the bus deliver fewer at a time.",
    ),
    errors.TagApiUnavailable: (
        "The tag API had a fault of its own, or was not reached in time.",
        f"See whether it answers now, with `{LIVE}`, then {REDRIVE}.",
    ),
    errors.UnexpectedReply: (
        "Something answered that is not the tag API: a proxy, a gateway, another service.",
        f"Mend IMS_ENDPOINT, IMS_PROXY or what stands in between. Try `{LIVE}`, then {REDRIVE}.",
    ),
    errors.DeadLetterFailed: (
        "The event had failed for good, and the sink that DEAD_LETTER_SINK names did not keep it.",
        f"Mend the sink, then {REDRIVE}: the next dead letter names the event's own fault.",
    ),
    Exception: (
        "The function met an error that nobody foresaw: a fault of the function, not of the event.",
        f"Give the log's line with this event id and a traceback to a developer. Once mended, {REDRIVE}.",
    ),
}
"""Of each error what happened, and what to do."""

UNREADABLE = Advice(
    "A request reached the function that holds no event which it can read.",
    "The same bytes are read the same way again.",
    "Tell its sender what the message says, or keep such requests off the bus. This one cannot be mended.",
)

UNEXPLAINED = Advice(
    "The bus gave the event up, and has kept no word of the function that says why.",
    "The bus has made as many deliveries as it makes.",
    f"See in the bus's log why; that the function runs, and that the bus has its address. Then {REDRIVE}.",
)

BY_STATUS = {
    "401": Advice(
        "The function refused the delivery: it carried no token that the function accepts.",
        "Whoever delivers has the same token the next time.",
        f"Give the bus one of the tokens in EVENTS_TOKEN. Then {REDRIVE}, with --token-file.",
    ),
    "413": Advice(
        "The function refused the delivery: it is larger than MAX_BODY_BYTES.",
        "The event is as large the next time.",
        f"Have the producer send less, or raise MAX_BODY_BYTES: then {REDRIVE}.",
    ),
    "415": Advice(
        "The function refused the delivery: it is a CloudEvent in a format other than JSON.",
        "The event has the same format the next time.",
        "Have the producer or the bus send JSON, in structured or binary mode.",
    ),
}
"""Of deliveries that came no further than the door, where no reason is given by name."""
