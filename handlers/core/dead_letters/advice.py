"""What an operator needs to know of a dead letter: what happened, why it was not retried, what to do.

Why an error is not retried is said on its row in `core.outcomes`. The rest is said here, once for each error.
"""

from http import HTTPStatus
from typing import NamedTuple

from handlers.core import errors
from handlers.core.dead_letters.model import DeadLetter
from handlers.core.outcomes import TABLE, Row


class Advice(NamedTuple):
    """Sentences for somebody who has never seen the code."""

    what_happened: str
    why_not_retried: str
    what_to_do: str


def advice(dead_letter: DeadLetter) -> Advice:
    """What to tell an operator of this dead letter."""
    if not dead_letter.error:
        return _by_status(dead_letter)
    if dead_letter.error == "InvalidEvent" and not dead_letter.is_event:
        return UNREADABLE
    by_name = {error.__name__: error for error in BY_ERROR}
    error = by_name.get(dead_letter.error, Exception)  # an error that nobody foresaw has a name of Python's
    what_happened, what_to_do = BY_ERROR[error]
    return Advice(what_happened, _why_not_retried(TABLE[error], dead_letter), what_to_do)


def _why_not_retried(row: Row, dead_letter: DeadLetter) -> str:
    used_up = "the bus had made as many deliveries as it makes"
    if _is_retried(dead_letter.status):
        return f"The function asked for another delivery each time ({row.why}), until {used_up}."
    if row.action == "dead-letter":
        return f"Another delivery changes nothing: {row.why}."
    ended = "the rules table ends events of this code, under [outcomes]"
    while_young = ""
    if row.action == "retry-within-window":
        ended = "it was older than NOT_READY_WINDOW, or has no plausible time"
        while_young = " while an event is young"
    if not dead_letter.is_given_up_by_function:
        ended = f"{used_up}, or {ended}"
    return f"The function asks for another delivery{while_young} ({row.why}). Here, {ended}."


def _is_retried(status: int | None) -> bool:
    """Whether a bus delivers again after this reply (Knative data plane, "Retryable Status Codes")."""
    return status in RETRIED or (status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR)


RETRIED = (404, 408, 409, 429)
REDIRECTIONS = range(300, 400)

LIVE = "python main.py check --live"
REDRIVE = "`dead-letters redrive`"
DRY_RUN = "`dead-letters redrive --dry-run`"

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
        "The delivery held more events, images or JSON than one may, or more than fit into EVENT_TIMEOUT.",
        f"Have the bus deliver fewer events at a time. {REDRIVE} sends what was kept event by event.",
    ),
    errors.OutOfTime: (
        "EVENT_TIMEOUT passed before the image was tagged, at each delivery.",
        f"See what takes the time in `api_milliseconds` of the log, or raise EVENT_TIMEOUT. Then {REDRIVE}.",
    ),
    errors.MissingAttribute: (
        "A rule asks for an attribute that this event does not have, and says that the event then fails.",
        f'In the rule, give the value a default, or on_missing = "skip". Try {DRY_RUN}, then {REDRIVE}.',
    ),
    errors.InvalidTag: (
        "A rule makes a tag that the image service would refuse, and does not allow it to be mended.",
        f'In the rule, change the value, or set on_invalid to "fix". Try {DRY_RUN}, then {REDRIVE}.',
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
"""For each error, what happened and what to do."""

UNREADABLE = Advice(
    "A request reached the function that holds no event which it can read.",
    "The same bytes are read the same way again.",
    "Tell its sender what the message says, or keep such requests off the bus. This one cannot be mended.",
)

UNEXPLAINED = Advice(
    "Nothing says why this event was given up.",
    "Nobody retries what stands here: it is given up.",
    f"Find out who stored it here, and see in the logs of the bus and the function why. Then {REDRIVE}.",
)

NO_REPLY = Advice(
    "The bus did not reach the function, or got no reply in time.",
    "Without a reply a bus delivers again, and it has made as many deliveries as it makes.",
    f"See that the function runs and that the bus has its address. Then {REDRIVE}.",
)

USED_UP = Advice(
    "What stands at the function's address answered each delivery, but not as the function does.",
    "Such a reply asks for another delivery, and the bus has made as many as it makes.",
    f"See that the function runs, that the bus has its address, and what its log says. Then {REDRIVE}.",
)

REDIRECTED = Advice(
    "The delivery was answered with another address.",
    "Buses do not follow redirects.",
    f"Give the bus the right address of the function. Then {REDRIVE}.",
)

REFUSED = Advice(
    "The delivery was refused, and the reply names no error of the function.",
    "Such a status means that the same delivery would be refused again.",
    f"Read the reply, and mend what it names. Then {REDRIVE}.",
)

BY_STATUS = {
    401: Advice(
        "The function refused the delivery: it carried no token that the function accepts.",
        "Whoever delivers has the same token the next time.",
        f"Give the bus one of the tokens in EVENTS_TOKEN. Then {REDRIVE}, with --token-file.",
    ),
    403: Advice(
        "A proxy or gateway in front of the function forbade the delivery.",
        "It forbids the next delivery as well.",
        f"Allow the bus there, or give the bus the right address. Then {REDRIVE}.",
    ),
    405: Advice(
        "What stands at the function's address takes no POST, so it is not the function.",
        "It refuses the next delivery as well.",
        f"Give the bus the right address of the function. Then {REDRIVE}.",
    ),
    413: Advice(
        "The function refused the delivery: it is larger than MAX_BODY_BYTES.",
        "The event is as large the next time.",
        f"Have the producer send less, or raise MAX_BODY_BYTES. Then {REDRIVE}.",
    ),
    415: Advice(
        "The function refused the delivery: it is a CloudEvent in a format other than JSON.",
        "The event has the same format the next time.",
        "Have the producer or the bus send JSON, in structured or binary mode.",
    ),
}
"""For deliveries that came no further than the door, whose reply names no error."""


def _by_status(dead_letter: DeadLetter) -> Advice:
    status = dead_letter.status
    if status is None:
        return NO_REPLY if dead_letter.destination else UNEXPLAINED
    if status in REDIRECTIONS:
        return REDIRECTED
    if _is_retried(status):
        return USED_UP
    return BY_STATUS.get(status, REFUSED if dead_letter.is_event else UNREADABLE)
