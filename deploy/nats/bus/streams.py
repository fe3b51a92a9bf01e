"""The streams and the consumer, made as they have to be."""

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from deploy.nats.bus.connection import BusNotReady
from deploy.nats.errors import describe

STREAM, SUBJECTS = "IMAGES", "images."
DEAD_STREAM, DEAD_SUBJECTS = "IMAGES_DEAD", "images-dead."
CONSUMER = "tagger"

# A dead letter's data grows by a third (base64), its attributes at most double (JSON escapes), and
# what is added to them takes a few kilobytes.
GROWTH, ADDED = 2, 16384

# Events that wait for their next attempt are pending, and with so many of them the bus delivers no others. So
# it is a large number, but not without end: after the longest back-off each of them is due again, 33 a second
# in all, which must leave room for new events. The server looks through all of them at each redelivery:
# 10,000 kept a twentieth of a core busy, 50,000 a third. And an outage of the subscriber costs that many
# events one of their ATTEMPTS every few minutes, while the others wait in the stream and lose none.
MOST_PENDING = 10_000


async def prepare(bus: Client, *, max_event_bytes: int, ack_wait: float) -> None:
    """Make the streams and the consumer, or bring them to what they should be; replicas, age and size limits
    that an operator has set on a stream stay.

    ack_wait: seconds after which an event is delivered again if nothing is heard of its delivery.
    Raise BusNotReady where that cannot be done.
    """
    needed = GROWTH * max_event_bytes + ADDED
    if bus.max_payload < needed:
        raise BusNotReady(
            f"The server's max_payload is {bus.max_payload}, but a dead letter may need {needed} bytes;"
            " set max_payload in the server's configuration, or a smaller MAX_EVENT_BYTES."
        )
    js = bus.jetstream()
    try:
        await _stream(js, STREAM, SUBJECTS, max_msg_size=max_event_bytes)
        # An acknowledgement that got lost leads to the same dead letter again, up to an hour later.
        await _stream(js, DEAD_STREAM, DEAD_SUBJECTS, max_msg_size=-1, duplicate_window=3700.0)
        await js.add_consumer(
            STREAM,
            ConsumerConfig(
                name=CONSUMER,
                durable_name=CONSUMER,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ack_wait,
                max_deliver=-1,
                max_ack_pending=MOST_PENDING,
            ),
        )
    except nats.js.errors.ServiceUnavailableError:
        raise BusNotReady("The server has no JetStream; start it with JetStream enabled.") from None
    except nats.js.errors.APIError as error:
        raise BusNotReady(
            f"The bus refuses stream {STREAM}, stream {DEAD_STREAM} or consumer {CONSUMER} as they have to be"
            f" ({describe(error)}); move away or delete what stands in the way."
        ) from None
    except nats.errors.Error as error:
        raise BusNotReady(
            f"The bus did not answer while its streams were made ({describe(error)}); start again."
        ) from None


async def _stream(js: JetStreamContext, name: str, subjects: str, **limits: float) -> None:
    ours = {
        "subjects": [f"{subjects}>"],
        "storage": StorageType.FILE,
        "retention": RetentionPolicy.WORK_QUEUE,
        "discard": DiscardPolicy.NEW,
        **limits,
    }
    try:
        there = (await js.stream_info(name)).config
    except nats.js.errors.NotFoundError:
        await js.add_stream(StreamConfig(name=name), **ours)
    else:
        if (wanted := there.evolve(**ours)) != there:
            await js.update_stream(wanted)
