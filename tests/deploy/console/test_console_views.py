"""What holds in every view of the console."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.processes.local_stack import LocalStack
from tests.support.console_page import detail, expect

if TYPE_CHECKING:
    from playwright.sync_api import Page


VIEWS = ("/", "/events/1", "/try", "/rules", "/images", "/dead-letters")

HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "long": "x" * 10_000,
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u202egnp.exe",
    "terminal escapes": "\x1b[31mred\x1b]0;title\x07",
}


def test_hostile_names(page: "Page", stack: LocalStack) -> None:
    """What an event holds is text: no markup, nothing hidden, nothing that breaks the page, in every view."""
    events = [stack.event(name) for name in HOSTILE.values()]
    for event in events:
        stack.post(stack.event(event["data"]["name"]))
        stack.publish(event)
    paths = ["/images", "/rules", "/try"]
    page.goto("/")
    for event in events:
        listed = page.locator(f'#events li[data-text*="{event["id"]}"]')
        expect(listed).not_to_contain_text("straight to the function")
        expect(listed).to_contain_text("tagged")
        listed.click()
        expect(detail(page).get_by_label("The event as text")).to_contain_text(event["id"])
        _harmless(page)
        paths += [page.url, f"/images/{event['subject']}"]
    for path in paths:
        page.goto(path)
        page.wait_for_selector("#difference h2" if path == "/rules" else "main")
        _harmless(page)


def _harmless(page: "Page") -> None:
    assert page.locator("main script, main img").count() == 0
    assert not re.search("[\x1b\x07\u202e]", page.locator("body").inner_text())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("path", [*VIEWS, "an image"])
def test_accessibility(page: "Page", stack: LocalStack, path: str) -> None:
    """No view has a control without a name, too little contrast, or anything else that axe-core finds."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    if path == "an image":
        path = f"/images/{stack.create('prod-image-for-axe')}"
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(path)
    page.wait_for_selector("#difference h2" if path == "/rules" else "main")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = axe.run(page).response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == [], scheme
    assert page.evaluate(background) != light


@pytest.mark.parametrize("path", VIEWS)
def test_widths(page: "Page", path: str) -> None:
    """Every view fits the width of the window: nothing is reached by scrolling sideways alone."""
    page.goto(path)
    page.wait_for_selector("main")
    for width in (400, 1280, 1600):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("innerWidth") == width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
