"""A server of the cluster is killed under load: two subscriptions, two functions, and the books balance."""

import asyncio
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nats.js import JetStreamContext

from tests.bench.rig.chaos_script import DONE, FAULTS, Sent, end_of, events, hear
from tests.bench.rig.producer import publish
from tests.bench.rig.system import Pair, dead_letters, delivering, reasons_of
from tests.bench.system.chaos import SUBSCRIPTION
from tests.processes.cluster import Cluster
from tests.processes.emulator import Ims
from tests.processes.function import just_now
from tests.processes.launch import eventually
from tests.support.deploy_page import rights

SETTLED_WITHIN = 40.0
"""Seconds; the two servers that are left take up to ten to agree on a leader."""

DOOMED = 0


class Books:
    """The last outcome of each event, by the logs of both functions."""

    def __init__(self, pairs: list[Pair]) -> None:
        self._pairs = pairs
        self.said: dict[str, str] = {}

    def wait(self, count: int) -> None:
        """Return when so many events have an outcome."""
        until = time.monotonic() + SETTLED_WITHIN
        while len(self.said) < count:
            assert time.monotonic() < until, f"{len(self.said)} of {count} events have an outcome"
            time.sleep(0.05)
            self.hear()

    def hear(self) -> None:
        for pair in self._pairs:
            hear(self.said, pair.function.log.new_lines())


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster.running() as cluster:
        yield cluster


@pytest.fixture
def pairs(cluster: Cluster, ims: Ims, tmp_path: Path) -> Iterator[list[Pair]]:
    """Two functions, each with a subscription, with the rights on the page and no more.

    The subscriptions sign in at the server that is going to be killed, and know the others only from it.
    """
    settings = {
        "IMS_ENDPOINT": ims.url,
        "OS_TOKEN": ims.token,
        "THREADS": "16",
        "NATS_URL": cluster.urls[DOOMED],
        "NATS_CREDS": str(cluster.identities.credentials("subscription", **rights("subscription"))),
        "NATS_CA": str(cluster.ca),
    }
    command = ("-c", SUBSCRIPTION)
    with delivering(tmp_path, command, **settings) as one, delivering(tmp_path, command, **settings) as other:
        yield [one, other]


def test_server_killed(cluster: Cluster, pairs: list[Pair], ims: Ims) -> None:
    """No event is lost when the server dies that leads stream and consumer and has all connections.

    What two functions, two subscriptions and the producer have in hand then is delivered or published
    again by the two servers that are left, and each event ends as the rules say, or as a dead letter.
    """
    sent = events(random.Random(1), 600, just_now())  # noqa: S311 - repeatable, no secret
    for each in sent:
        ims.image(id=each.image_id)
    ims.fault(**FAULTS[0].script, share=0.05, seed=1, match={"method": "PUT"})
    books = Books(pairs)
    cluster.lead(DOOMED)
    with ThreadPoolExecutor(1) as pool:
        published = pool.submit(asyncio.run, _publish(cluster, sent))
        books.wait(len(sent) // 10)
        cluster.kill(DOOMED)
        published.result()
    books.wait(len(sent))
    eventually(lambda: cluster.do(_is_empty), "end of all deliveries")
    books.hear()

    credentials = str(cluster.identities.credentials("operator"))
    listed = dead_letters(cluster.url, "list", NATS_CREDS=credentials, NATS_CA=str(cluster.ca))
    reasons = reasons_of(listed)
    assert len(reasons) == len(listed["dead_letters"])
    ends = [
        end_of(each, books.said[each.event_id], reasons.get(each.event_id), ims.tags(each.image_id))
        for each in sent
    ]
    assert [end for end in ends if end.wrong] == []
    assert {end.outcome for end in ends} == {*DONE, "dead-letter"}


async def _publish(cluster: Cluster, sent: list[Sent]) -> None:
    credentials = cluster.identities.credentials("producer", **rights("producer"))
    async with asyncio.timeout(SETTLED_WITHIN):
        await publish(
            [each.event for each in sent],
            [cluster.urls[DOOMED]],
            batch=50,
            pause=0.1,
            user_credentials=credentials,
            inbox_prefix="_INBOX_producer",
            tls=cluster.tls,
        )


async def _is_empty(js: JetStreamContext) -> bool:
    return not (await js.stream_info("IMAGES")).state.messages
