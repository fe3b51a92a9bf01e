"""One message in hand, as far as no bus is needed to see it."""

import asyncio

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from deploy.nats.bus.acknowledge import Acknowledger
from deploy.nats.delivery import Delivery


@pytest.mark.parametrize(
    "address",
    [
        "$JS.ACK.IMAGES.tagger.3.17.21.1767600000000000000.0",
        "$JS.ACK._.ACCOUNT.IMAGES.tagger.3.17.21.1767600000000000000.0",
        "$JS.ACK.hub.ACCOUNT.IMAGES.tagger.3.17.21.1767600000000000000.0.x7Gq",
    ],
    ids=["short", "no domain", "domain"],
)
def test_counts_of_the_bus(address: str) -> None:
    """Attempt and sequence are read from the address of the acknowledgement, in each of its forms."""

    async def delivery() -> Delivery:
        bus = Client()
        return Delivery(bus.jetstream(), Acknowledger(bus), Msg(bus, "images.created", address))

    fields = asyncio.run(delivery()).fields
    assert (fields["attempt"], fields["sequence"]) == (3, 17)
