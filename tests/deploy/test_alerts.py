"""The alerts, held to lines that a function and a subscription really write."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.processes.bus import Answer, Bus, HttpSubscriber, Subscribing
from tests.processes.emulator import Ims
from tests.processes.function import Serve, created
from tests.support.paths import ROOT

RULES = yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]

Lines = dict[str, dict[str, Any]]


def label(line: dict[str, Any], name: str) -> str:
    """What Loki's parser `json` makes of a field: text, and the empty one where there is none."""
    value = line.get(name)
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def passes(stage: str, line: dict[str, Any]) -> bool:
    """Whether a stage of a LogQL pipeline lets the line pass: one filter of labels, or several with `or`."""
    if unwrapped := re.fullmatch(r"unwrap (\w+)", stage):
        return bool(re.fullmatch(r"[\d.]+", label(line, unwrapped[1])))
    filters = re.findall(r'(\w+) (!?=) "([^"]*)"', stage)
    assert " or ".join(f'{name} {sign} "{value}"' for name, sign, value in filters) == stage
    return any((label(line, name) == value) is (sign == "=") for name, sign, value in filters)


def pipelines(expression: str) -> list[list[str]]:
    """The stages of each selection of lines, but for the parser."""
    selections = re.findall(
        r'\{app="image-tagger"\} \| json \| ([^\[]+?) \[\d+m\]', " ".join(expression.split())
    )
    return [selection.split(" | ") for selection in selections]


def of_function(serve: Serve, ims: Ims, folder: Path) -> Lines:
    function = serve()
    assert function.structured(created(ims.image())).status_code == 204
    assert function.structured(created("no-image-id")).status_code == 400
    ims.fault(status=503, times=1)
    assert function.structured(created(ims.image())).status_code == 503
    tagged, dead_letter, unavailable = function.lines()

    function = serve(OS_TOKEN="canary-revoked")
    assert function.structured(created(ims.image())).status_code == 503
    (credentials,) = [line for line in function.lines() if line["message"] == "event.retry"]

    function = serve(DEAD_LETTER_SINK=f"file://{folder}/letters")
    (folder / "letters").mkdir()
    assert function.structured(created("no-image-id")).status_code == 503
    (not_kept,) = [line for line in function.lines() if line["message"] == "dead_letter.failed"]
    return {
        "tagged": tagged,
        "dead letter": dead_letter,
        "image service away": unavailable,
        "credentials refused": credentials,
        "dead letter not kept": not_kept,
    }


def of_subscription(subscribing: Callable[..., Subscribing], bus: Bus, subscriber: HttpSubscriber) -> Lines:
    process = subscribing(NATS_URL=bus.url, SUBSCRIBER_URL=subscriber.url, ATTEMPTS="1")
    process.logged("subscription.ready")
    lines: Lines = {}
    for name, status, message in (
        ("delivered", 204, "delivery.accepted"),
        ("refused for good", 400, "delivery.dead_letter"),
        ("given up", 503, "delivery.dead_letter"),
    ):
        subscriber.answer = lambda _, status=status: Answer(status)  # type: ignore[misc] # mypy: no defaults
        bus.publish("images.created")
        lines[name] = process.logged(message, status=status)
    return lines


FIRES = {
    "ImageEventsDeadLettered": [{"dead letter"}],
    "ImageEventsGivenUp": [{"given up"}],
    "ImageDeadLettersNotKept": [{"dead letter not kept"}],
    "ImageTaggerNeedsAPerson": [{"credentials refused"}],
    "ImageTaggerRetriesMoreThanItTags": [{"image service away", "credentials refused"}, {"tagged"}],
    "ImageTaggingSlow": [{"tagged"}],
}
"""The lines that each selection of an alert counts, of all that are written here."""


def test_alerts(
    serve: Serve,
    ims: Ims,
    tmp_path: Path,
    subscribing: Callable[..., Subscribing],
    bus: Bus,
    http_subscriber: HttpSubscriber,
) -> None:
    """Each alert counts the lines that it is for and no others, and groups them by fields that they have."""
    lines = of_function(serve, ims, tmp_path) | of_subscription(subscribing, bus, http_subscriber)
    counted = {
        rule["alert"]: [
            {name for name, line in lines.items() if all(passes(stage, line) for stage in stages)}
            for stages in pipelines(rule["expr"])
        ]
        for rule in RULES
    }
    assert counted == FIRES
    for rule in RULES:
        (names, *_) = counted[rule["alert"]]
        for field in re.findall(r"sum by \((\w+)\)", rule["expr"]):
            assert [name for name in names if not label(lines[name], field)] == []
        assert {*re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])} <= {
            *re.findall(r"by \((\w+)\)", rule["expr"])
        }


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_parts(rule: dict[str, Any]) -> None:
    """An alert has what a ruler asks for."""
    assert {"alert", "expr", "labels", "annotations"} <= rule.keys()
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"].endswith(".")
