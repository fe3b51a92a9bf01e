"""The function under OpenTelemetry's auto-instrumentation, as the operators' page starts it."""

import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent

from tests.processes.emulator import SECRETS, Ims
from tests.processes.function import Function, created
from tests.processes.scripted_server import Peer, answer, peer
from tests.support.deploy_page import PAGE

COLLECTOR = "http://collector:4318"
"""Of the page's command; the one thing that is another here."""

SETTINGS = {
    "OS_ACCESS_KEY": "AK",
    "OS_SECRET_KEY": "canary-secret",
    "PROJECTS": Ims.project_id,
    "EVENTS_TOKEN": "canary-events-token",
}
"""Calls are signed, for a signature shows a header added to what it covers; deliveries show a token."""

ITS_OWN = f"00-{'e' * 32}-{'f' * 16}-01"
"""The trace that an event says it belongs to, by the extension `traceparent`."""


class Instrumented(Function):
    """The function started by the page's command. settings: those of the function."""

    def __init__(self, output: Path, collector: str, **settings: str) -> None:
        found = re.search(r"^OTEL_SERVICE_NAME=.*?(?=^```)", PAGE, re.MULTILINE | re.DOTALL)
        assert found, "no command in the page"
        assert COLLECTOR in found[0]
        words = shlex.split(found[0].replace(COLLECTOR, collector).replace("\\\n", " "))
        switches = dict(word.split("=", 1) for word in words if word.startswith("OTEL_"))
        name, *options = words[len(switches) :]
        scripts = Path(sys.executable).parent
        command = [str(scripts / name), *options, "--host", "127.0.0.1", "--port"]
        environ = {
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            # Sent soon and not at the end only: a thread that did not outlive the fork would send none.
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            **switches,
            **settings,
        }
        super().__init__(output, lambda port: [*command, str(port)], **environ)


class Span(NamedTuple):
    """What the tests look at of a span; ids in hexadecimal digits, attributes without those of no text."""

    name: str
    server: bool
    trace: str
    id: str
    parent: str
    attributes: dict[str, str]
    links: int


def received(collector: Peer) -> list[Span]:
    """The spans that the collector was sent up to now."""
    spans: list[Span] = []
    for request in list(collector.requests):
        assert request.startswith(b"POST /v1/traces "), request[:40]
        length = re.search(rb"^content-length: (\d+)", request.lower(), re.MULTILINE)
        assert length
        sent = ExportTraceServiceRequest.FromString(request[-int(length[1]) :])
        spans += [
            Span(
                span.name,
                span.kind == Sent.SPAN_KIND_SERVER,
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                {
                    each.key: each.value.string_value or each.value.array_value.values[0].string_value
                    for each in span.attributes
                    if each.value.string_value or each.value.array_value.values
                },
                len(span.links),
            )
            for resource in sent.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
    return spans


@pytest.fixture(scope="module")
def collector() -> Iterator[Peer]:
    """Keeps what it is sent, as a collector on the port of OTLP over HTTP does."""
    with peer(*[answer(200, Content_Type="application/x-protobuf")] * 1000) as collector:
        yield collector


@pytest.fixture(scope="module")
def _instrumented(
    ims_process: Ims, collector: Peer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instrumented]:
    output = tmp_path_factory.mktemp("function") / "log"
    function = Instrumented(output, collector.url, IMS_ENDPOINT=ims_process.url, **SETTINGS)
    try:
        yield function
    finally:
        function.stop()
    received(collector)  # which holds nothing but spans, even at the end


Deliver = Callable[..., list[Span]]


@pytest.fixture
def instrumented(_instrumented: Instrumented, ims: Ims) -> Instrumented:
    """The function, whose log begins here and whose key the emulator knows."""
    ims.put_key("AK", secret="canary-secret", projects=[Ims.project_id])
    function = _instrumented.ready()
    function.lines()
    return function


@pytest.fixture
def deliver(instrumented: Instrumented, collector: Peer) -> Deliver:
    """`deliver(body, header="value")`: the spans of one delivery, that of the delivery first."""

    def deliver(body: object, **headers: str) -> list[Span]:
        before = len(received(collector))
        token = f"Bearer {SETTINGS['EVENTS_TOKEN']}"
        assert instrumented.post(body, authorization=token, **headers).status_code == 204
        until = time.monotonic() + 20
        spans: list[Span] = []
        # The delivery's ends last, and a worker sends them in the order in which they end.
        while not any(span.server for span in spans):
            spans = received(collector)[before:]
            assert time.monotonic() < until, f"no span of the delivery:\n{instrumented.output()}"
            time.sleep(0.02)
        return sorted(spans, key=lambda span: not span.server)

    return deliver


def test_one_event_one_trace(deliver: Deliver, ims: Ims, collector: Peer) -> None:
    """The delivery with what identifies the event and with its outcome, beneath it the calls; no secrets.

    Health checks leave no span: the function was asked for its health before.
    """
    image_id = ims.image()
    event = {"id": "1", "source": "/me", "type": "com.example.image.created", "traceparent": ITS_OWN}
    delivery, *calls = deliver(
        {"image_id": image_id, "user": {"name": "ada"}},
        content_type="application/json",
        ce_specversion="1.0",
        **{f"ce_{name}": value for name, value in event.items()},
    )
    assert delivery.server
    assert delivery.parent == ""
    seen = {f"http.request.header.ce_{name}": value for name, value in event.items()}
    seen["http.response.header.tagging_outcome"] = "tagged"
    assert seen.items() <= delivery.attributes.items()
    puts = ims.calls("PUT")
    assert [(call.name, call.trace, call.parent) for call in calls] == [
        ("PUT", delivery.trace, delivery.id) for _ in puts
    ]
    handed_on = [put["headers"]["traceparent"].rpartition("-")[0] for put in puts]
    assert handed_on == [f"00-{call.trace}-{call.id}" for call in calls]
    assert ims.tags(image_id)
    assert [secret for secret in SECRETS if secret.encode() in b"".join(collector.requests)] == []


def test_trace_of_the_sender(deliver: Deliver, ims: Ims, instrumented: Instrumented) -> None:
    """The header `traceparent` is continued, and the log line names that trace."""
    delivery, *calls = deliver(created(ims.image()), traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    assert (delivery.trace, delivery.parent) == ("a" * 32, "b" * 16)
    assert calls
    assert {call.trace for call in calls} == {"a" * 32}
    assert [line["trace"] for line in instrumented.lines()] == ["a" * 32]


def test_structured_mode(deliver: Deliver, ims: Ims, instrumented: Instrumented) -> None:
    """The span has the outcome and nothing of the event; the calls' request ids lead to the log line.

    Without the header, the line's trace is the event's own, to which the span has no link.
    """
    event = created(ims.image(), traceparent=ITS_OWN)
    delivery, *calls = deliver(event, content_type="application/cloudevents+json")
    assert delivery.attributes["http.response.header.tagging_outcome"] == "tagged"
    assert [name for name in delivery.attributes if "ce_" in name] == []
    [line] = instrumented.lines()
    assert line["event_id"] == event["id"]
    assert [call.attributes["http.response.header.x_request_id"] for call in calls] == line["request_ids"]
    assert line["trace"] == "e" * 32 != delivery.trace
    assert delivery.links == 0
