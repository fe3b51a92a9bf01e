"""The subscription: takes events from the bus, posts them, and settles each by its reply."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from time import monotonic

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from .bus.acknowledge import Acknowledger
from .bus.pull import PULL_SECONDS, Puller
from .dead_letters import Failure
from .delivery import Delivery
from .errors import describe, places, sentence
from .log import log
from .policy import ACCEPTED, TOO_MANY, Outcome, RetrySchedule, outcome_of
from .rate import AdaptiveRate
from .settings import Settings, public
from .subscriber import Reply, Subscriber

NO_LEADER = "No server leads the consumer. If this stays so, start again: the consumer may be gone."
NOT_CONFIRMED = "The bus did not confirm the end of the delivery and may deliver the event again."


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
        self._js = bus.jetstream()
        self._acks = Acknowledger(bus)
        self._subscriber = subscriber
        self._destination = public(settings.subscriber_url)
        self._attempts = settings.attempts
        self._ack_wait = ack_wait
        self._back_off = back_off
        self._stopping = stopping
        # So many are posted, and up to as many again are answered and being settled.
        self._slots, self._settling = (asyncio.Semaphore(settings.parallel) for _ in range(2))
        self._in_hand: set[Delivery] = set()
        self._rate = AdaptiveRate()
        self._retries = RetrySchedule()

    async def run(self) -> None:
        """Deliver until told to stop; return when everything that has begun is settled."""
        # A fault of the signals must not go unseen: the bus would deliver again what is in hand.
        async with asyncio.TaskGroup() as running:
            signals = running.create_task(self._signal())
            await self._acks.listen()
            async with asyncio.TaskGroup() as deliveries:
                await self._take(await Puller.at(self._bus), deliveries)
            signals.cancel()

    async def _signal(self) -> None:
        """Tell the bus again and again of the messages that are being worked on."""
        while True:
            await asyncio.sleep(self._ack_wait / 4)
            for delivery in tuple(self._in_hand):
                await delivery.in_progress()

    async def _take(self, events: Puller, deliveries: asyncio.TaskGroup) -> None:
        while True:
            # As many as there are slots for: nothing waits here unheard by the bus.
            slots = await self._take_slots()
            if not await self._wait_to_begin():
                return
            try:
                async for message in events.pull(slots):
                    slots -= 1
                    deliveries.create_task(self._deliver(message))
            except nats.errors.Error as error:
                await self._without_bus(error)
            for _ in range(slots):
                self._slots.release()

    async def _take_slots(self) -> int:
        """Those that are free, but one alone where the rate lets deliveries begin one by one."""
        taken = 0
        while not taken or not (self._slots.locked() or self._rate.limited):
            await self._slots.acquire()
            taken += 1
        return taken

    async def _without_bus(self, error: nats.errors.Error) -> None:
        if self._bus.is_connected:
            if isinstance(error, nats.errors.NoRespondersError):
                log("bus.lost", "WARNING", reason="NoLeader", detail=NO_LEADER)
            else:
                log("bus.lost", "WARNING", reason="BusLost", detail=sentence(describe(error)))
        await self._stopped_within(PULL_SECONDS)

    async def _deliver(self, message: Msg) -> None:
        with ExitStack() as slot:
            slot.callback(self._slots.release)
            try:
                delivery = Delivery.of(self._js, self._acks, message)
                self._in_hand.add(delivery)
                try:
                    if await self._wait_to_begin():
                        await self._post(delivery, slot)
                    else:
                        await delivery.nak(0)
                finally:
                    self._in_hand.remove(delivery)
            except Exception as error:  # noqa: BLE001 - a bug must neither lose this event nor stop the others
                await self._settle_fault(message, error)

    async def _post(self, delivery: Delivery, slot: ExitStack) -> None:
        began = monotonic()
        self._rate.begin(began)
        self._retries.begin(began)
        reply = await self._subscriber.post(*delivery.request)
        milliseconds = round((monotonic() - began) * 1000)
        self._adjust_rate(reply, began)
        # The subscriber need not wait until the bus has confirmed; but a slow bus gets no more of them.
        async with self._settling:
            slot.close()
            await self._settle(delivery, reply, milliseconds=milliseconds)

    async def _settle(
        self, delivery: Delivery, reply: Reply, words: tuple[str, str] | None = None, **measured: int
    ) -> None:
        """words: as `Reply.words`, where those of the reply are not meant."""
        outcome = outcome_of(reply.status, attempt=delivery.attempt, attempts=self._attempts)
        fields = delivery.fields | {"status": reply.status} | measured
        if outcome is Outcome.ACCEPTED:
            if not await delivery.ack():
                fields |= {"reason": "NotConfirmed", "detail": NOT_CONFIRMED}
            log("delivery.accepted", **fields)
            return

        reason, detail = words or reply.words
        if outcome is Outcome.DEAD_LETTER:
            failure = Failure(self._destination, reply.status, reply.body, delivery.attempt)
            if not_kept := await delivery.keep(failure):
                outcome, reason = Outcome.RETRY, "DeadLetterFailed"
                detail = f"The dead letter was not kept: {not_kept}."
        if outcome is Outcome.RETRY:
            shortest = max(reply.retry_after or 0.0, self._back_off(delivery.attempt))
            delay = self._retries.delay(monotonic(), shortest)
            await delivery.nak(delay)
            log("delivery.retry", "WARNING", **fields, reason=reason, detail=detail, retry_in=round(delay, 3))
        else:
            detail = detail if await delivery.ack() else f"{NOT_CONFIRMED} {detail}"
            log("delivery.dead_letter", "ERROR", **fields, reason=reason, detail=detail)

    async def _settle_fault(self, message: Msg, error: Exception) -> None:
        """A fault of ours is a failed delivery like any other: tried again, and at the end a dead letter.

        The message is then kept as it is, because reading it may be what failed.
        """
        reason, detail = type(error).__name__, f"A fault of the subscription, at {places(error)}."
        try:
            reply = Reply(None, f"{reason}: {detail}".encode())
            await self._settle(Delivery(self._js, self._acks, message), reply, (reason, detail))
        except Exception as again:  # noqa: BLE001 - nor may this; the bus delivers it again after ack_wait
            log(
                "delivery.unsettled",
                "ERROR",
                subject=message.subject,
                reason=type(again).__name__,
                detail=detail,
            )

    def _adjust_rate(self, reply: Reply, began: float) -> None:
        now = monotonic()
        if reply.status in ACCEPTED:
            self._rate.accepted(now)
        elif reply.status == TOO_MANY:
            pause, waiting = reply.retry_after or 0.0, self._rate.wait(now)
            # Once for a flood, not once for each step of the search for its rate.
            if self._rate.refused(now, began=began, pause=pause):
                log("subscription.slowed", "WARNING", per_second=round(self._rate.per_second, 1))
            # Replies to deliveries side by side ask for the same pause, a few milliseconds apart.
            if pause > waiting + 1:
                log("subscription.paused", "WARNING", status=reply.status, seconds=pause)

    async def _wait_to_begin(self) -> bool:
        """Wait until the rate allows a delivery; False when told to stop."""
        while not self._stopping.is_set():
            if self._rate.recovered(monotonic()):
                log("subscription.recovered")
            if not (wait := self._rate.wait(monotonic())):
                return True
            await self._stopped_within(wait)
        return False

    async def _stopped_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
