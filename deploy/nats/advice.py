"""What a dead letter means to a person: what happened, why it stays so by itself, and what to do."""

from typing import NamedTuple

from .letter import Letter
from .policy import Outcome, outcome_of


class Advice(NamedTuple):
    """Sentences, without a name for the field or a line's end."""

    happened: str
    why: str
    to_do: str


# By how the reply begins. These are the names that the function's README documents; of a subscriber that
# speaks otherwise, only the status is known.
BY_REASON = {
    "InvalidEvent": (
        "The event lacks what its subscriber needs, and will lack it at every delivery.",
        "Mend the producer for the next events. Delete this one, and tag its image by hand.",
    ),
    "ProjectNotServed": (
        "The image is in a project that this deployment does not serve.",
        "Add the project to PROJECTS, or route its events to the deployment that serves it; then redrive.",
    ),
    "CreationFailed": (
        "The image was never made, so there is nothing to tag.",
        "Nothing, or make the image again, which sends an event of its own; then delete this one.",
    ),
    "DeliveryTooLarge": (
        "It holds more events or images than its subscriber takes at a time, and will at every delivery.",
        "Let the producer publish fewer in one message; publish these again one by one, and delete this one.",
    ),
    "OutOfTime": (
        "The subscriber's time was up before the image was tagged, at every one of the deliveries.",
        "Look what takes the time, or raise EVENT_TIMEOUT of the subscriber, then redrive.",
    ),
    "MissingAttribute": (
        'A rule with on_missing = "fail" asks for something that this event does not have.',
        'Correct that rule or give it on_missing = "skip", or mend the producer; then redrive.',
    ),
    "InvalidTag": (
        'A rule with on_invalid = "fail" makes a tag of this event that the image service would not take.',
        'Correct that rule or give it on_invalid = "fix"; then redrive.',
    ),
    "RequestRejected": (
        "The image service refuses the call itself, and will refuse the same call again.",
        "Look its code up in the service's documentation, mend what it names, then redrive.",
    ),
    "TagRefused": (
        "The image service does not take this tag, today or tomorrow.",
        "Correct the rule that makes it, or `limits` of the rules table; then redrive.",
    ),
    "TagQuotaExceeded": (
        "The image has as many tags as it may have, and nobody removes one by itself.",
        "Delete a tag of the image that is not needed, or let rules make fewer; then redrive.",
    ),
    "ImageNotTaggable": (
        "The image is public or belongs to somebody else, and only its owner may tag it.",
        "Delete this one, and let the producer send events of the project's own private images alone.",
    ),
    "ImageNotFound": (
        "The image was looked for until the event was no longer young, and was not there.",
        "Redrive if the image is there now; else check project and region of the subscriber, or delete this.",
    ),
    "ImageNotReady": (
        "The image was not ready for as long as the event was young.",
        "Wait until the image is active, then redrive; if its creation failed, delete this one.",
    ),
    "JobRunning": (
        "The image was still being made at every one of the deliveries, and their number is used up.",
        "Wait until the job that makes it has ended, then redrive; if it fails, delete this one.",
    ),
    "PermissionDenied": (
        "The subscriber's account lacks a right, and lacked it for as long as the event was young.",
        "Give the account the rights to read and to change images of the project, then redrive.",
    ),
    "CredentialsRejected": (
        "The image service did not accept the subscriber's credentials at any of the deliveries.",
        "Replace the credentials, then redrive.",
    ),
    "Throttled": (
        "The image service had too many calls at every one of the deliveries, and their number is used up.",
        "Find out who else calls it or ask for a higher limit, then redrive, with a small --rate.",
    ),
    "TagApiUnavailable": (
        "The image service was not there at any of the deliveries, and their number is used up.",
        "Check that it answers, then redrive.",
    ),
    "UnexpectedReply": (
        "Something that is not the image service answers at its address, or a proxy answers for it.",
        "Correct the subscriber's address of the image service or the proxy, then redrive.",
    ),
    "DeadLetterFailed": (
        "The subscriber could not keep its own dead letter at any of the deliveries.",
        "Mend its dead-letter sink, then redrive.",
    ),
}

BY_CODE = {
    400: (
        "With 400 a subscriber says that the event itself is at fault: it would be refused again.",
        "Read the reply, mend the producer of such events or the subscriber, then redrive.",
    ),
    401: (
        "The subscriber demands a token that the subscription does not send, and asking again sends none.",
        "Correct the token in SUBSCRIBER_URL, start the subscription again, then redrive.",
    ),
    403: (
        "The subscriber, or a proxy before it, forbids the delivery and will forbid the next.",
        "Allow the subscription there, or correct SUBSCRIBER_URL, then redrive.",
    ),
    405: (
        "What answers takes no POST, so it is not a subscriber of events.",
        "Correct SUBSCRIBER_URL, start the subscription again, then redrive.",
    ),
    413: (
        "The event is larger than the subscriber accepts, and does not become smaller.",
        "Raise the subscriber's limit or lower MAX_EVENT_BYTES; then redrive or delete this one.",
    ),
    415: (
        "The subscriber does not speak this format of events, and a delivery never changes the format.",
        "Let the producer publish JSON events, then redrive what the subscriber can read.",
    ),
}
REDIRECTIONS = range(300, 400)
REDIRECTED = (
    "The subscriber answers with another address; redirects are not followed.",
    "Set SUBSCRIBER_URL to the right address, start the subscription again, then redrive.",
)
REFUSED = (
    "Such a status means that the same delivery would be refused again.",
    "Read the reply, mend what it names, then redrive.",
)
USED_UP = (
    "This could have passed, but it did not at any delivery, and their number (ATTEMPTS) is used up.",
    "Check that the subscriber runs and what its log says, then redrive.",
)
NOBODY_SAYS = (
    "The subscription did not store it: it lacks the attributes that say what happened.",
    "Find out who publishes to this stream; redrive if it is an event that should be delivered.",
)


def advice(letter: Letter) -> Advice:
    """What to tell a person who has never seen this project."""
    return Advice(_happened(letter), *_meaning(letter))


def _meaning(letter: Letter) -> tuple[str, str]:
    name = letter.reason.partition(":")[0].strip()
    if name in BY_REASON:
        return BY_REASON[name]
    if not letter.destination:
        return NOBODY_SAYS
    if outcome_of(letter.code, attempt=0, attempts=1) is Outcome.RETRY:
        return USED_UP
    if letter.code in REDIRECTIONS:
        return REDIRECTED
    return BY_CODE.get(letter.code or 0, REFUSED)


def _happened(letter: Letter) -> str:
    said = " ".join(letter.reason.split())
    if not letter.destination:
        return said or "This message says nothing of a failure."
    deliveries = f"delivery {letter.attempts}" if letter.attempts else "a delivery"
    if letter.code is None:
        return f"{letter.destination} gave no reply to {deliveries} of the event: {said}"
    return f"{letter.destination} answered {deliveries} of the event with {letter.code}: {said or 'no text'}"
