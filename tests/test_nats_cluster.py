"""The subscription at the cluster that ships: credentials, TLS, least rights, three replicas."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StreamConfig

from deploy.nats.settings import InvalidSettings, Settings
from tests.bus import Answer, HttpSubscriber, Subscribing
from tests.cluster import Cluster
from tests.operators_page import rights

Start = Callable[..., Subscribing]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.running() as cluster:
        yield cluster


@pytest.fixture
def subscription(cluster: Cluster, subscribing: Start, http_subscriber: HttpSubscriber) -> Start:
    """Starts the subscription at the cluster; as the page has it, but for what the test changes."""

    def start(**changed: str) -> Subscribing:
        settings = {
            "SUBSCRIBER_URL": http_subscriber.url,
            "NATS_URL": cluster.url,
            "NATS_CREDS": str(cluster.identities.credentials("subscription", **rights("subscription"))),
            "NATS_CA": str(cluster.ca),
        }
        return subscribing(**settings | changed)

    return start


async def _publish(js: JetStreamContext) -> None:
    await js.publish("images.created", b"good")
    await js.publish("images.created", b"bad")


async def _configuration(js: JetStreamContext) -> list[StreamConfig]:
    return [(await js.stream_info(stream)).config for stream in ("IMAGES", "IMAGES_DEAD")]


def test_least_rights(cluster: Cluster, subscription: Start, http_subscriber: HttpSubscriber) -> None:
    """With the rights on the page and no more, over TLS: streams are made, events delivered and kept."""
    http_subscriber.answer = lambda request: Answer(400 if request.body == b"bad" else 204)
    process = subscription()
    process.logged("subscription.ready")
    cluster.do(_publish)
    process.logged("delivery.accepted")
    process.logged("delivery.dead_letter")
    assert process.stop() == 0


def test_replicas(cluster: Cluster, subscription: Start) -> None:
    """What an operator has set of the streams stays: three replicas, and the size of that of dead letters."""
    process = subscription()
    process.logged("subscription.ready")
    events, dead_letters = cluster.do(_configuration)
    assert (events.num_replicas, dead_letters.num_replicas, dead_letters.max_bytes) == (3, 3, 2**20)
    assert events.discard == DiscardPolicy.NEW.value
    assert process.stop() == 0


@pytest.mark.parametrize(
    ("without", "says"),
    [("NATS_CREDS", "Authorization"), ("NATS_CA", "certificate verify failed")],
    ids=["credentials", "authority"],
)
def test_refused(subscription: Start, without: str, says: str) -> None:
    """Without credentials, or at a server that nobody vouches for, the start stops with the reason."""
    process = subscription(**{without: ""})
    assert process.ended() == 1
    assert "NATS does not answer (" in process.errors
    assert says in process.errors


@pytest.mark.parametrize("name", ["NATS_CREDS", "NATS_CA"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\x00"], ids=["no file", "empty", "something else"])
def test_unusable_file(tmp_path: Path, name: str, content: bytes | None) -> None:
    """A file that does not hold what it should stops the start with one sentence that names it."""
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidSettings, match=rf"^{name} must be a readable file of .*{path}.*\.$"):
        Settings.from_environ({"SUBSCRIBER_URL": "http://function/", name: str(path)})
