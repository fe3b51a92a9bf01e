import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from .dead_letters import Failure
from .delivery import Delivery
from .log import log
from .pace import Pace
from .policy import ACCEPTED, LONGEST_BACK_OFF, TOO_MANY, Outcome, outcome_of
from .settings import Settings, public
from .subscriber import Reply, Subscriber

# How long one request for an event waits at the server, and so how long a stop may take with nothing in hand.
FETCH_SECONDS = 1.0

NOBODY_LEADS = "No server leads the consumer; if that stays so, start again: the consumer may be gone."


class Subscription:
    """Takes events from the bus, posts them to the subscriber, and settles each by its reply.

    The bus counts deliveries, also those that ended unposted because a process was killed or stopped,
    and nobody else counts. After such ends an event is posted less often than `settings.attempts`, and
    more often only while its dead letter cannot be kept. But the count alone makes no dead letter: the
    last delivery was posted, and failed.

    ack_wait: seconds, as the consumer has it.
    back_off: seconds to wait after the n-th delivery of an event, 1 = the first.
    stopping: once it is set nothing begins any more.
    """

    def __init__(  # noqa: PLR0913 - what it works with, wired in one place
        self,
        bus: Client,
        subscriber: Subscriber,
        settings: Settings,
        *,
        ack_wait: float,
        back_off: Callable[[int], float],
        stopping: asyncio.Event,
    ) -> None:
        self._bus = bus
        self._subscriber = subscriber
        self._settings = settings
        self._ack_wait = ack_wait
        self._back_off = back_off
        self._stopping = stopping
        self._places = asyncio.Semaphore(settings.parallel)
        self._pace = Pace()

    async def run(self, events: JetStreamContext.PullSubscription) -> None:
        """Deliver until told to stop; return when everything that has begun is settled."""
        async with asyncio.TaskGroup() as deliveries:
            while True:
                await self._places.acquire()
                if not await self._turn():
                    return
                # One at a time, and only with a place for it: nothing waits here unheard by the bus.
                if message := await self._next(events):
                    deliveries.create_task(self._deliver(message))
                else:
                    self._places.release()

    async def _next(self, events: JetStreamContext.PullSubscription) -> Msg | None:
        try:
            return (await events.fetch(1, timeout=FETCH_SECONDS))[0]
        except nats.errors.TimeoutError:
            return None
        except nats.errors.Error as error:
            if self._bus.is_connected:
                nobody = isinstance(error, nats.js.errors.ServiceUnavailableError)
                log("bus.lost", "WARNING", reason=NOBODY_LEADS if nobody else str(error))
            await self._stopped_within(FETCH_SECONDS)
            return None

    async def _deliver(self, message: Msg) -> None:
        try:
            delivery = Delivery(self._bus.jetstream(), message)
            async with delivery.in_progress(every=self._ack_wait / 4):
                if await self._turn():
                    await self._post(delivery)
                else:
                    await delivery.again(0)
        except Exception as error:  # noqa: BLE001 - a bug must neither lose this event nor stop the others
            sequence, delay = message.metadata.sequence.stream, LONGEST_BACK_OFF
            with suppress(nats.errors.Error):
                await message.nak(delay)
            fault = f"{type(error).__name__}: {error}"[:200]
            log("delivery.retry", "ERROR", sequence=sequence, status=None, reason=fault, retry_in=delay)
        finally:
            self._places.release()

    async def _post(self, delivery: Delivery) -> None:
        began = monotonic()
        self._pace.begin(began)
        reply = await self._subscriber.post(*delivery.request)
        milliseconds = round((monotonic() - began) * 1000)
        self._learn(reply, began)

        outcome = outcome_of(reply.status, attempt=delivery.attempt, attempts=self._settings.attempts)
        reason = reply.reason
        if outcome is Outcome.DEAD_LETTER:
            destination = public(self._settings.subscriber_url)
            failure = Failure(destination, reply.status, reply.body, delivery.attempt)
            if not_kept := await delivery.keep(failure):
                outcome, reason = Outcome.RETRY, not_kept

        fields = delivery.fields | {"status": reply.status, "reason": reason, "milliseconds": milliseconds}
        if outcome is Outcome.RETRY:
            delay = max(reply.retry_after or 0.0, self._back_off(delivery.attempt))
            await delivery.again(delay)
            log("delivery.retry", "WARNING", **fields, retry_in=round(delay, 3))
        else:
            if not await delivery.done():
                fields["reason"] = f"The bus did not confirm and may deliver it again. {reason}".strip()
            if outcome is Outcome.ACCEPTED:
                log("delivery.accepted", **fields)
            else:
                log("delivery.dead_letter", "ERROR", **fields)

    def _learn(self, reply: Reply, began: float) -> None:
        now = monotonic()
        if reply.status in ACCEPTED:
            self._pace.accepted(now)
        elif reply.status == TOO_MANY:
            pause, waiting = reply.retry_after or 0.0, self._pace.wait(now)
            # Once for a flood, not once for each step of the search for its rate.
            if self._pace.refused(now, began=began, pause=pause):
                log("subscription.slowed", "WARNING", per_second=round(self._pace.rate, 1))
            # Replies to deliveries side by side ask for the same pause, a few milliseconds apart.
            if pause > waiting + 1:
                log("subscription.paused", "WARNING", status=reply.status, seconds=pause)

    async def _turn(self) -> bool:
        """Wait until a delivery may begin; False when told to stop."""
        while not self._stopping.is_set():
            if self._pace.recovered(monotonic()):
                log("subscription.recovered")
            if not (wait := self._pace.wait(monotonic())):
                return True
            await self._stopped_within(wait)
        return False

    async def _stopped_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
