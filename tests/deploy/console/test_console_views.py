"""What holds in every view of the console."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes.local_stack import LocalStack, local_stack
from tests.support.console_page import detail, expect, late, row

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


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
    stack.publish(*events)
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
    contrast = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
    for scheme in ("light", "dark"):
        options = contrast if scheme == "dark" else None  # nothing else depends on it
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = axe.run(page, options=options).response["violations"]
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


def test_nothing_there(page: "Page") -> None:
    """An address at which nothing is, or not any more, says so and leads back."""
    page.goto("/events/999999")
    expect(page.get_by_text("This event is none of the last 1,000 any more.")).to_be_visible()
    page.get_by_role("link", name="Show all events").click()
    expect(page.locator("#events li").first).to_be_visible()


def test_late_event(page: "Page", stack: LocalStack) -> None:
    """What was asked of one event is not shown over another that was opened since, or when it is closed."""
    for name in ("opened-first", "opened-second"):
        stack.create(name)
    page.goto("/")
    expect(row(page, "opened-second")).to_contain_text("tagged")
    with late(page, "**/events/*?part") as first:
        row(page, "opened-first").click()
        row(page, "opened-second").click()
        expect(detail(page).get_by_role("heading", name="opened-second")).to_be_visible()
        first()
    expect(detail(page).get_by_role("heading", name="opened-second")).to_be_visible()
    with late(page, "**/events/*?part") as closed:
        row(page, "opened-first").click()
        page.keyboard.press("Escape")
        closed()
    expect(page.locator("#detail")).to_be_empty()


def test_late_search(page: "Page", stack: LocalStack) -> None:
    """What was found for a text is not shown for another that was typed since."""
    subjects = ("first-subject", "second-subject")
    stack.publish(*({**stack.event(f"of-the-{each}"), "traceparent": each} for each in subjects))
    page.goto("/")
    expect(row(page, "of-the-second-subject")).to_contain_text("tagged")
    text, shown = page.get_by_label("Filter by text"), page.locator("#events li:visible")
    with late(page, "**/search?*") as first:
        text.fill("first-sub")
        page.wait_for_timeout(300)
        text.fill("second-subject")
        expect(shown).to_have_count(1)
        first()
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("of-the-second-subject")


def test_late_sample(page: "Page") -> None:
    """A sample does not replace what was chosen or written after it."""
    page.goto("/try")
    text, samples = page.locator("#event"), page.get_by_label("Start from")
    expect(text).not_to_be_empty()
    with late(page, "**/samples/*") as first:
        samples.select_option("plain-structured.json")
        samples.select_option("plain-binary.http")
        expect(text).to_have_value(re.compile("^ce-specversion: 1.0"))
        first()
    expect(text).to_have_value(re.compile("^ce-specversion: 1.0"))
    with late(page, "**/samples/*") as sample:
        samples.select_option("plain-structured.json")
        text.fill("of a person")
        sample()
    expect(text).to_have_value("of a person")


def test_late_difference(page: "Page") -> None:
    """The faults and the difference are those of the text that stands there, however fast one types."""
    page.goto("/rules")
    table, findings = page.get_by_label("The rules table in TOML"), page.locator("#findings")
    expect(findings).to_have_text("No fault and no warning.")
    text = table.input_value()
    with late(page, "**/rules/try") as first:
        table.fill(text.replace("local_part", "fault_of_the_first"))
        page.wait_for_timeout(300)
        table.fill(text.replace("local_part", "fault_of_the_second"))
        expect(findings).to_contain_text("no filter fault_of_the_second")
        first()
    expect(findings).to_contain_text("no filter fault_of_the_second")
    table.fill(text)
    expect(findings).to_have_text("No fault and no warning.")


def test_restart(browser: "Browser", tmp_path: Path) -> None:
    """A page that was open comes back by itself when the stack was stopped and starts again."""
    # If another program takes the port meanwhile, two other stacks are tried at the next one.
    assert any(_comes_back(browser, tmp_path / attempt) for attempt in "abcde")


def _comes_back(browser: "Browser", folder: Path) -> bool:
    """False if the second stack did not get the port of the first."""
    for each in ("one", "two"):
        (folder / each).mkdir(parents=True)
    page = browser.new_page()
    with local_stack(folder / "one") as stack:
        page.goto(stack.url)
        stack.create("of-the-first-stack")
        page.get_by_text("of-the-first-stack").wait_for()
        url = stack.url
    page.locator("body.offline").wait_for()
    with local_stack(folder / "two") as again:
        is_same = again.url == url
        if is_same:
            page.locator("body:not(.offline)").wait_for()
            page.get_by_text("of-the-first-stack").wait_for(state="detached")
            again.create("of-the-second-stack")
            page.get_by_text("of-the-second-stack").wait_for()
        page.close()
    return is_same
