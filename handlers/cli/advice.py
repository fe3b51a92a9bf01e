"""What an operator needs to know of a dead letter: what happened, why it stays so, what to do.

Why it stays so is the reason on the error's row in `core.outcomes`; the rest is said here, once an error.
"""

from typing import NamedTuple

from handlers.cli.letter import Letter
from handlers.core import errors
from handlers.core.outcomes import TABLE, Row


class Advice(NamedTuple):
    """Sentences for somebody who has never seen the code."""

    happened: str
    why_it_stays: str
    to_do: str


def advice_on(letter: Letter) -> Advice:
    if not any(isinstance(event, dict) for event in letter.events):
        return UNREADABLE
    if not letter.reason:
        return BY_STATUS.get(letter.code, UNEXPLAINED)
    by_name = {error.__name__: error for error in BY_ERROR}
    error = by_name.get(letter.reason, Exception)  # an error that nobody foresaw has a name of Python's
    happened, to_do = BY_ERROR[error]
    return Advice(happened, _why_it_stays(TABLE[error]), to_do)


def _why_it_stays(row: Row) -> str:
    match row.then:
        case "dead-letter":
            return f"The same event fails the same way again: {row.why}."
        case "retry-while-young":
            return (
                f"The function asks for other deliveries only while the event is young ({row.why}). It was "
                "not young any more, or has no time that can be believed."
            )
        case _:
            return (
                f"The function asked for other deliveries ({row.why}), and the bus has made as many as it "
                "makes. Or the rules table ends events of this code, under [outcomes]."
            )


LIVE = "python main.py check --live"

BY_ERROR: dict[type[Exception], tuple[str, str]] = {
    errors.InvalidEvent: (
        "The event says that an image was created, but lacks what is needed to tag it, or is malformed.",
        "Have its producer mended. This event stays as it is: tag its image by hand, or send a whole event.",
    ),
    errors.ProjectNotServed: (
        "The image is in a project that this function does not serve.",
        "Add the project to PROJECTS, or route its events to the function that serves it. Then redrive.",
    ),
    errors.CreationFailed: (
        "The job that was to make the image has failed, so there is no image.",
        "Nothing, for this event. When the image is made in the end, an event of its own says so.",
    ),
    errors.MissingAttribute: (
        "A rule asks for an attribute that this event does not have, and says that the event then fails.",
        'Give the rule\'s value a default, or set its on_missing to "skip". Try --dry-run, then redrive.',
    ),
    errors.InvalidTag: (
        "A rule makes a tag that the image service would refuse, and does not allow it to be mended.",
        'Change the rule\'s value, or set its on_invalid to "fix". Try --dry-run, then redrive.',
    ),
    errors.RequestRejected: (
        "The tag API understood the request and refused it.",
        "Look the code up in the error codes of Image Management Service, mend what it names, then redrive.",
    ),
    errors.TagRefused: (
        "The image service refused a tag: it does not take the length or a character of its key or value.",
        "In the rules table, set `limits` to what your cloud takes, or change the value. Then redrive.",
    ),
    errors.TagQuotaExceeded: (
        "The image has as many tags as an image may have.",
        "Delete a tag of the image that nobody needs, or have the rules set fewer. Then redrive.",
    ),
    errors.ImageNotTaggable: (
        "The image is public or belongs to another account, and only its owner can tag it.",
        "Nothing, if that is right. A condition (`when`) in the rules keeps such images from being tagged.",
    ),
    errors.ImageNotFound: (
        "The image service knows no image of this id where the function's credentials are valid.",
        "Nothing, if it was deleted. Else see that IMS_ENDPOINT and the credentials are its own; redrive.",
    ),
    errors.ImageNotReady: (
        "The image was not ready to be tagged.",
        "See the image's status. Once it is active, redrive; if it never will be, delete it.",
    ),
    errors.JobRunning: (
        "The job that makes the image was still running at the last delivery.",
        "See that the image is there by now, then redrive. If this is usual, let the bus deliver for longer.",
    ),
    errors.PermissionDenied: (
        "The credentials are valid, but lack a right, or are for another project or account.",
        f"Grant ims:images:get and ims:images:update in the image's project. See with `{LIVE}`; redrive.",
    ),
    errors.CredentialsRejected: (
        "The tag API did not accept the function's credentials.",
        f"Renew or replace the credentials. See with `{LIVE}`, then redrive.",
    ),
    errors.Throttled: (
        "The tag API was called more often than it allows.",
        "Redrive with a small --rate. If this is usual, let the bus deliver fewer events at a time.",
    ),
    errors.TagApiUnavailable: (
        "The tag API had a fault of its own, or was not reached in time.",
        f"See whether it answers now, with `{LIVE}`, then redrive.",
    ),
    errors.UnexpectedReply: (
        "Something answered that is not the tag API: a proxy, a gateway, another service.",
        f"Mend IMS_ENDPOINT, IMS_PROXY or what stands in between. See with `{LIVE}`, then redrive.",
    ),
    errors.DeadLetterFailed: (
        "The event had failed for good, and the sink that DEAD_LETTER_SINK names did not keep it.",
        "Mend the sink, then redrive: the event's own fault shows then.",
    ),
    Exception: (
        "The function met an error that nobody foresaw: a fault of the function, not of the event.",
        "Find the event in the function's log, where the traceback stands. Redrive once that is mended.",
    ),
}
"""Of each error what happened, and what to do."""

UNREADABLE = Advice(
    "A request reached the function that holds no event which it can read.",
    "The same bytes are read the same way again.",
    "Have its sender mended, or keep it off the bus. Redrive once the function can read such requests.",
)

UNEXPLAINED = Advice(
    "The bus gave the event up, and has kept no word of the function that says why.",
    "The bus has made as many deliveries as it makes.",
    "See in the log of the bus why; that the function runs, and that the bus has its address. Then redrive.",
)

BY_STATUS = {
    "401": Advice(
        "The function refused the delivery: it carried no token that the function accepts.",
        "Whoever delivers has the same token the next time.",
        "Give the bus one of the tokens in EVENTS_TOKEN. Then redrive, with --token-file.",
    ),
    "413": Advice(
        "The function refused the delivery: it is larger than MAX_BODY_BYTES.",
        "The event is as large the next time.",
        "Have the producer send less, or raise MAX_BODY_BYTES. Then redrive.",
    ),
    "415": Advice(
        "The function refused the delivery: it is a CloudEvent in a format other than JSON.",
        "The event has the same format the next time.",
        "Have the producer or the bus send JSON, in structured or binary mode.",
    ),
}
"""Of deliveries that came no further than the door, where no reason is given by name."""
