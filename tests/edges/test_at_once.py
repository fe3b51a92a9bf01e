"""Threads for health checks: a delivery holds its thread for as long as the image service takes."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.processes.emulator import Ims
from tests.processes.function import Serve, created
from tests.processes.launch import eventually
from tests.support.at_once import HEALTH_CHECKS, AtOnce, platforms
from tests.support.deploy_page import PAGE
from tests.support.paths import ROOT

PLATFORMS = platforms()


@pytest.mark.parametrize("at_once", PLATFORMS.values(), ids=PLATFORMS.keys())
def test_rule(at_once: AtOnce) -> None:
    """Wherever the function runs, it has two threads more than it gets deliveries at once."""
    assert at_once.threads >= at_once.deliveries + HEALTH_CHECKS


def test_page() -> None:
    """The table of the page has the numbers of the files."""
    rows = re.findall(r"^\| (.*) \| .* \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert {name: AtOnce(int(at_once), int(threads)) for name, at_once, threads in rows} == PLATFORMS


def test_open_telekom_cloud() -> None:
    """An instance of FunctionGraph takes one delivery at a time, unless Terraform says otherwise."""
    text = (ROOT / "deploy" / "functiongraph" / "otc" / "main.tf").read_text(encoding="utf-8")
    assert "concurrency" not in text


@pytest.mark.parametrize(
    "at_once", {each for each in PLATFORMS.values() if each.deliveries + HEALTH_CHECKS == each.threads}
)
def test_health_while_the_image_service_is_slow(serve: Serve, ims: Ims, at_once: AtOnce) -> None:
    """While every delivery waits for the image service, two health checks at once are answered."""
    function = serve(THREADS=str(at_once.threads))
    ims.fault(match={"method": "PUT"}, delay=4, times=at_once.deliveries)
    with ThreadPoolExecutor(at_once.deliveries + HEALTH_CHECKS) as platform:
        deliveries = [
            platform.submit(function.structured, created(ims.image())) for _ in range(at_once.deliveries)
        ]
        eventually(lambda: len(ims.calls("PUT")) >= at_once.deliveries, "calls of all deliveries")
        checks = [
            platform.submit(requests.get, f"{function.url}/healthz", timeout=10) for _ in range(HEALTH_CHECKS)
        ]
        assert [check.result().status_code for check in checks] == [200] * HEALTH_CHECKS
        assert not [delivery for delivery in deliveries if delivery.done()]
        assert {delivery.result().status_code for delivery in deliveries} == {204}
