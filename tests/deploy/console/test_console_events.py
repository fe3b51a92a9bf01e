"""The events and images of the console as a person looks at them."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.processes.local_stack import EVENT, LocalStack, local_stack
from tests.support.console_page import detail, expect, row

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def test_past_and_live(page: "Page", stack: LocalStack) -> None:
    """The list holds what came before the page was opened, and shows what comes, also past the bus."""
    stack.create("before-the-page")
    page.goto("/")
    expect(row(page, "before-the-page")).to_contain_text("tagged")
    stack.create("while-it-is-open")
    new = row(page, "while-it-is-open")
    expect(new).to_contain_text("created-by=ada")
    expect(new).to_contain_text("IMS:CloudTrace:ApiCall")
    expect(new).to_contain_text(re.compile(r"\d\d:\d\d:\d\d.*s ago.*1. delivered.*\d ms", re.DOTALL))
    assert stack.post(stack.event("straight-away")) == 204
    expect(row(page, "straight-away")).to_contain_text("straight to the function")
    assert stack.post({"id": "x"}, "text/plain") == 400
    refused = page.locator("#events li").first
    expect(refused).to_contain_text("InvalidEvent")
    colour, weight = (
        f"badge => getComputedStyle(badge).{name}" for name in ("backgroundColor", "fontWeight")
    )
    bad, good = (each.locator(".badge") for each in (refused, new))
    assert bad.evaluate(colour) != good.evaluate(colour)
    assert int(bad.evaluate(weight)) > int(good.evaluate(weight))
    newest_first = [
        int(each)
        for each in page.locator("#events li").evaluate_all("rows => rows.map(r => r.dataset.number)")
    ]
    assert newest_first == sorted(newest_first, reverse=True)


def test_retry_is_seen(page: "Page", stack: LocalStack) -> None:
    """An event that is delivered again shows its reason, its attempts and when the next one is due."""
    page.goto("/")
    stack.fault(1, status=503, retry_after=8)
    stack.create("retried")
    waiting = row(page, "retried")
    expect(waiting).to_have_attribute("data-outcome", "retry")
    expect(waiting).to_contain_text("TagApiUnavailable")
    expect(waiting).to_contain_text(re.compile("1. delivered next in [1-8] s"))
    due = waiting.locator("time.due")
    before = due.inner_text()
    expect(due).not_to_have_text(before)
    assert int(re.sub(r"\D", "", due.inner_text())) < int(re.sub(r"\D", "", before))
    expect(waiting).to_have_attribute("data-outcome", "tagged")
    expect(waiting).to_contain_text(re.compile("2. delivered"))


def test_filters(page: "Page", stack: LocalStack) -> None:
    """Outcome, reason and text each narrow the list, and the text is looked for in the events too."""
    stack.create("needle-in-the-name")
    stack.post({**stack.event("no-image"), "data": {}, "subject": "hay-in-the-payload"})
    page.goto("/")
    shown = page.locator("#events li:visible")
    page.get_by_label("Filter by text").fill("NEEDLE-in")
    expect(shown).to_have_count(1)
    expect(page.locator("#summary")).to_have_text(re.compile(r"^1 of \d+ events$"))
    page.get_by_label("Filter by text").fill("in-no-event")
    expect(page.get_by_text("No event matches the filter.")).to_be_visible()
    page.get_by_role("button", name=re.compile("^tagged")).click()
    page.get_by_role("button", name="Show all events").click()
    expect(page.get_by_text("No event matches the filter.")).to_be_hidden()
    expect(page.locator("#summary")).to_have_text(re.compile(r"^\d+ events$"))
    page.get_by_role("button", name=re.compile("^dead-letter")).click()
    for each in shown.all():
        expect(each).to_have_attribute("data-outcome", "dead-letter")
    page.get_by_label("Filter by reason").select_option("InvalidEvent")
    expect(shown.first).to_contain_text("InvalidEvent")
    page.reload()
    expect(page.get_by_role("button", name=re.compile("^dead-letter"))).to_have_attribute(
        "aria-pressed", "true"
    )
    page.goto("/")
    page.get_by_label("Filter by text").fill("/pipelines/image-factory")
    expect(shown.first).to_be_visible()


def test_one_event(page: "Page", stack: LocalStack) -> None:
    """One event shows its way, its tags before and after, why, and itself."""
    stack.fault(1, status=503, retry_after=1)
    image_id = stack.create("prod-looked-at")
    page.goto("/")
    row(page, "prod-looked-at").click()
    opened = detail(page)
    expect(opened.get_by_role("heading", name="prod-looked-at")).to_be_visible()
    expect(opened).to_contain_text("2 attempts")
    way = opened.get_by_label("Its way")
    for step in ("published on the bus", "event.retry", "Retry-After 1 s", "delivery.retry", "status 503"):
        expect(way).to_contain_text(step)
    expect(way).to_contain_text("PUT /v1/cloudimages/tags 503")
    expect(way).to_contain_text("PUT /v1/cloudimages/tags 204")
    expect(way).to_contain_text("delivery.accepted attempt 2, status 204")
    tags = opened.get_by_label("Tags of the image")
    expect(tags.get_by_role("row", name="created-for")).to_have_text("created-fornoneproduction")
    why = opened.get_by_label("Why")
    expect(why).to_contain_text("production images matches")
    expect(why).to_contain_text("created-by=ada")
    expect(opened.get_by_label("The event as text")).to_contain_text(image_id)


def test_news_while_it_opens(page: "Page", stack: LocalStack) -> None:
    """What comes of an event while the console still answers what it was before is shown too."""
    event, held = stack.event("opened-early"), []
    stack.fault(1, status=503)
    assert stack.post(event) == 503
    page.goto("/")
    expect(row(page, "opened-early")).to_have_attribute("data-outcome", "retry")
    page.route(re.compile(r"/events/\d+\?part$"), lambda route: held.append((route, route.fetch())), times=1)
    row(page, "opened-early").click()
    while not held:
        page.wait_for_timeout(10)
    assert stack.post(event) == 204
    expect(row(page, "opened-early")).to_have_attribute("data-outcome", "tagged")
    number = row(page, "opened-early").get_attribute("data-number")
    while "Tags of the image" not in requests.get(f"{stack.url}/events/{number}?part", timeout=20).text:
        page.wait_for_timeout(10)
    # By now all of it is told, since the news of a later event comes after it.
    stack.post(stack.event("told-later"))
    expect(row(page, "told-later")).to_be_visible()
    [(route, answer)] = held
    route.fulfill(response=answer)
    expect(detail(page).get_by_label("Its way")).to_contain_text("PUT /v1/cloudimages/tags 204")
    expect(detail(page).get_by_label("Tags of the image")).to_contain_text("created-on")


def test_why_not(page: "Page", stack: LocalStack) -> None:
    """A rule that does not match names the condition that decided, and a mended value says so."""
    stack.create("of-no-rule")
    page.goto("/")
    row(page, "of-no-rule").click()
    why = detail(page).get_by_label("Why")
    expect(why).to_contain_text('image.name is "of-no-rule", wanted [{"prefix": "prod-"}')
    page.goto("/events/1")
    expect(why).to_contain_text("mended from jane.doe: the character '.' is not allowed")
    event = stack.event("of-nobody")
    del event["data"]["user"]
    stack.publish(event)
    page.goto("/")
    row(page, "of-nobody").click()
    expect(why).to_contain_text(
        re.compile(r"created-by\s+not written: the event has no image\.creator\.name")
    )


def test_send_again(page: "Page", stack: LocalStack) -> None:
    """An event is sent again as it is, edited, or as a command; the page goes where the result is."""
    stack.create("sent-twice")
    page.goto("/")
    first = row(page, "sent-twice")
    expect(first).to_contain_text("tagged")
    number = int(first.get_attribute("data-number") or 0)
    first.click()
    detail(page).get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#toast")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()").startswith(f"curl -i {stack.function} -H ")
    detail(page).get_by_role("button", name="Send again").click()
    expect(page).not_to_have_url(re.compile(f"/events/{number}$"))
    expect(page).to_have_url(re.compile(r"/events/\d+$"))
    expect(detail(page)).to_contain_text("sent-twice")
    detail(page).get_by_role("link", name="Edit and send").click()
    text = page.locator("#event")
    expect(text).to_have_value(re.compile("sent-twice"))
    text.fill(text.input_value().replace("sent-twice", "sent-edited"))
    page.get_by_role("button", name="Send over the bus").click()
    expect(detail(page).get_by_role("heading", name="sent-edited")).to_be_visible()


def test_unseen_event(page: "Page", stack: LocalStack) -> None:
    """An event that went past the bus was not seen whole: the page says so, and does not offer to send it."""
    stack.post(stack.event("never-seen"))
    page.goto("/")
    row(page, "never-seen").click()
    expect(detail(page)).to_contain_text("The console has not seen the event itself")
    expect(detail(page).get_by_role("button", name="Send again")).to_have_count(0)


def test_images(page: "Page", stack: LocalStack) -> None:
    """All images are listed with their tags, and one with its history."""
    image_id = stack.create("with-a-history")
    page.goto("/")
    expect(row(page, "with-a-history")).to_contain_text("tagged")
    page.goto("/images")
    expect(page.get_by_role("row", name="prod-web-base").first).to_be_visible()
    listed = page.get_by_role("row", name="with-a-history").first
    expect(listed).to_contain_text("created-by=ada")
    expect(listed).to_contain_text("complete")
    expect(listed).to_contain_text(image_id)
    listed.get_by_role("link").click()
    expect(page.get_by_role("heading", name="with-a-history")).to_be_visible()
    expect(page.locator("#events li")).to_have_count(1)
    expect(page.locator(".way")).to_contain_text("PUT /v1/cloudimages/tags 204")
    stack.control("POST", "images", {"attributes": {"name": "of-which-no-event-told"}})
    page.goto("/images")
    expect(page.get_by_role("row", name="of-which-no-event-told")).to_contain_text("lacks created-on")


def test_keyboard(page: "Page", stack: LocalStack) -> None:
    """The list is used without a mouse: move, open, close, filter."""
    for name in ("keys-one", "keys-two"):
        stack.create(name)
    page.goto("/")
    expect(row(page, "keys-two")).to_contain_text("tagged")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("ArrowDown")
    focused = page.locator("#events li:focus-within")
    expect(focused).to_have_attribute(
        "data-number", str(page.locator("#events li").nth(1).get_attribute("data-number"))
    )
    assert focused.locator("a").evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(detail(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(detail(page)).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("keys-one")
    expect(page.locator("#events li:visible")).to_have_count(1)


def test_reduced_motion(page: "Page", stack: LocalStack) -> None:
    """Who asks for less motion gets none."""
    page.emulate_media(reduced_motion="reduce")
    page.goto("/")
    stack.create("without-motion")
    new = row(page, "without-motion").locator(".row")
    expect(new).to_be_visible()
    assert new.evaluate("each => getComputedStyle(each).animationName") == "none"


def test_json_is_whole(page: "Page") -> None:
    """The event as it is shown is the event as it was sent."""
    page.goto("/events/1")
    shown = detail(page).get_by_label("The event as text").inner_text()
    assert json.loads(shown)["specversion"] == "1.0"


@pytest.mark.timeout(150)
def test_thousand_events(browser: "Browser", tmp_path: Path) -> None:
    """The list holds the newest 1,000 events, takes a new one, and the difference is over all of them."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nwhen.image.name = ["no-image"]\ntags.a = "1"\n')
    with local_stack(tmp_path, RULES=str(rules)) as stack:
        stack.publish(*({**EVENT, "id": f"event-{number}"} for number in range(1001)))
        page = browser.new_page()
        page.goto(stack.url)
        listed = page.locator("#events li")
        expect(page.locator("#events [data-outcome=nothing-to-tag]")).to_have_count(1000)
        stack.create("the-newest")
        expect(row(page, "the-newest")).to_contain_text("nothing-to-tag")
        expect(listed).to_have_count(1000)
        expect(listed.first).to_contain_text("the-newest")
        expect(page.locator("#summary")).to_have_text("1000 events")
        page.goto(f"{stack.url}/rules")
        page.get_by_label("The rules table in TOML").fill('[[rule]]\ntags.a = "1"\n')
        expect(page.locator("#difference")).to_contain_text("1000 of 1000 events would get other tags")
        page.close()
