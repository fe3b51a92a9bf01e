"""The books of a chaos run: what was sent, what may go wrong, and how an event ended. Pure."""

import random
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple
from uuid import UUID

DONE = {"tagged", "nothing-to-tag", "ignored"}


class Fault(NamedTuple):
    """A way in which a call of the tag API goes wrong.

    error: what it becomes in the function. script: for the emulator; its message, if any, is found again in
    the reason of a dead letter. rare: it takes seconds, or slows everything, so it happens a few times only.
    """

    error: str
    script: Mapping[str, Any]
    rare: bool = False

    def explains(self, reason: str) -> bool:
        return reason.startswith(f"{self.error}:") and self.script.get("message", "") in reason


_NO_RIGHT = {"code": "APIG.0302", "message": "scripted: no right"}

FAULTS = (
    # These never go right by themselves.
    Fault("TagRefused", {"code": "IMG.0115", "message": "scripted: no such tag"}),
    Fault("TagQuotaExceeded", {"code": "IMG.0116", "message": "scripted: no room"}),
    Fault("ImageNotTaggable", {"code": "IMG.0083", "message": "scripted: a public image"}),
    Fault("RequestRejected", {"code": "IMG.0001", "message": "scripted: no such form"}),
    # These are waited for while an event is young.
    Fault("ImageNotFound", {"code": "IMG.0027", "message": "scripted: no such image", "retry_after": 1}),
    Fault("ImageNotReady", {"code": "IMG.0046", "message": "scripted: not active", "retry_after": 1}),
    Fault("PermissionDenied", {"status": 403, **_NO_RIGHT, "retry_after": 1}),
    # These are never the event's fault.
    Fault("CredentialsRejected", {"code": "APIG.0301", "message": "scripted: no token", "retry_after": 1}),
    Fault("Throttled", {"code": "APIG.0308", "message": "scripted: too many", "retry_after": 1}, rare=True),
    Fault("TagApiUnavailable", {"status": 503}),
    Fault("TagApiUnavailable", {"code": "IMG.0014", "message": "scripted: a fault below"}),
    Fault("TagApiUnavailable", {"transport": "reset"}),
    Fault("TagApiUnavailable", {"transport": "close", "after": "after"}),  # written, and nobody hears of it
    Fault("TagApiUnavailable", {"transport": "half"}),
    Fault("TagApiUnavailable", {"delay": 5.0}, rare=True),  # longer than the function waits
    Fault("TagApiUnavailable", {"transport": "garbage"}),
    Fault("UnexpectedReply", {"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}}),
    Fault("UnexpectedReply", {"status": 200, "body": "<h1>a proxy's page</h1>"}),
)

RARE_SHARE = 0.005
"""Of calls, for each of the rare faults while there are some left."""


def script(rng: random.Random, share: float, rare: int) -> list[dict[str, Any]]:
    """All faults for the emulator, in the order in which they have to be set.

    share: of the calls that go wrong. rare: how often each of the rare ones happens.
    """
    frequent = [fault for fault in FAULTS if not fault.rare]
    scripts = [{**fault.script, "share": RARE_SHARE, "times": rare} for fault in FAULTS if fault.rare]
    each = share / len(frequent)
    # A fault sees the calls that those before it have left.
    scripts += [
        {**fault.script, "share": each / (1 - before * each)} for before, fault in enumerate(frequent)
    ]
    match = {"method": "PUT", "path": "/v1/cloudimages/tags"}
    return [{**each, "match": match, "seed": rng.getrandbits(32)} for each in scripts]


class Sent(NamedTuple):
    """An event, how it ends where nothing goes wrong, and the tags that its image has then."""

    event: dict[str, Any]
    outcome: str
    tags: dict[str, str]

    @property
    def event_id(self) -> str:
        return str(self.event["id"])

    @property
    def image_id(self) -> str:
        return str(self.event["data"]["image_id"])


OLD = "2026-01-05T10:15:30Z"


def events(rng: random.Random, count: int, now: str) -> list[Sent]:
    """Events of all kinds in random order, young and old ones. now: RFC 3339, in UTC."""
    return [_event(rng, number, now) for number in range(count)]


def _event(rng: random.Random, number: int, now: str) -> Sent:
    # What the shipped rules table says of each kind is written out here, and not asked of the table.
    time = rng.choice((OLD, now))
    ada, day = {"created-by": "ada"}, {"created-on": time[:10]}
    named, user = {"name": f"prod-{number}"}, {"user": {"name": "Ada@example.com"}}
    data, has_time, tags = rng.choice(
        (
            (named | user, True, ada | day | {"created-for": "production"}),
            ({"name": f"web-{number}"} | user, True, ada | day),
            ({}, True, day),
            (user, False, ada),
            ({}, False, {}),
        )
    )
    what = rng.choices(("created", "deleted"), (9, 1))[0]
    outcome = "ignored" if what == "deleted" else "tagged" if tags else "nothing-to-tag"
    event = {
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": "/chaos",
        "type": f"com.example.image.{what}",
        "data": {"image_id": str(UUID(int=rng.getrandbits(128), version=4)), **data},
    }
    return Sent(event | ({"time": time} if has_time else {}), outcome, tags if outcome == "tagged" else {})


def hear(said: dict[str, str], lines: Iterable[Mapping[str, Any]]) -> None:
    """Bring up to date, by event, its last outcome in the function's log.

    A delivery that is taken for lost gets another beside it. Once one of them is accepted the event is done
    with, and whatever the slower one answers is in vain.
    """
    for line in lines:
        if "outcome" in line and (line["outcome"] in DONE or said.get(line["event_id"]) not in DONE):
            said[line["event_id"]] = line["outcome"]


class End(NamedTuple):
    """How an event ended, and what is wrong about that.

    why: the reason of its dead letter, else what is wrong in words.
    """

    outcome: str
    wrong: Literal["", "lost", "not explained", "against the rules"] = ""
    why: str = ""


def end_of(sent: Sent, said: str, reason: str | None, tags: Mapping[str, str]) -> End:
    """The end of an event by its last outcome.

    said: that outcome by the function's log, "" if it never was there. reason: of its dead letter, None if
    there is none. tags: of its image.
    """
    if reason is not None:
        # A function that is killed, or whose start takes longer than all attempts, gives no reply.
        if not (reason.startswith("No reply") or any(fault.explains(reason) for fault in FAULTS)):
            return End("dead-letter", "not explained", reason)
        if not tags.items() <= sent.tags.items():
            return End("dead-letter", "against the rules", f"{tags}, allowed are {sent.tags}")
        return End("dead-letter", why=reason)
    if said not in DONE:
        return End("lost", "lost", f"the function's last word is {said or 'none'}")
    if (said, tags) != (sent.outcome, sent.tags):
        return End(said, "against the rules", f"{tags}, should be {sent.outcome} with {sent.tags}")
    return End(said)
