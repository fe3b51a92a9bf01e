"""The console of the local stack as a person uses it, in a real Chromium."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import requests

from tests.processes.local_stack import LocalStack

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = sync_api.expect
expect.set_options(timeout=20_000)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

VIEWS = ("/", "/events/1", "/try", "/rules", "/images", "/dead-letters")


@pytest.fixture
def page(browser: "Browser", stack: LocalStack) -> Iterator["Page"]:
    """A page of the console, on which nothing may go wrong unseen."""
    context = browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(20_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    # That the console refuses something, the browser calls an error.
    page.on("console", lambda line: wrong.append(line.text) if is_fault(line) else None)
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on("request", lambda each: None if each.url.startswith(stack.url) else wrong.append(each.url))
    yield page
    stack.control("DELETE", "faults")
    context.close()
    assert wrong == []


def is_fault(line: "ConsoleMessage") -> bool:
    return line.type == "error" and not re.search("responded with a status of 4(00|09)", line.text)


def row(page: "Page", name: str) -> "Locator":
    """The newest row with a name."""
    return page.locator("#events li", has=page.get_by_text(name, exact=True)).first


def detail(page: "Page") -> "Locator":
    return page.locator("#detail article")


# -- events ----------------------------------------------------------------------------------------


def test_past_and_live(page: "Page", stack: LocalStack) -> None:
    """The list holds what came before the page was opened, and shows what comes, also past the bus."""
    stack.create("before-the-page")
    page.goto("/")
    expect(row(page, "before-the-page")).to_contain_text("tagged")
    stack.create("while-it-is-open")
    expect(row(page, "while-it-is-open")).to_contain_text("created-by=ada")
    assert stack.post(stack.event("straight-away")) == 204
    expect(row(page, "straight-away")).to_contain_text("straight to the function")
    assert stack.post({"id": "x"}, "text/plain") == 400
    expect(page.locator("#events li").first).to_contain_text("InvalidEvent")
    newest_first = [
        int(each)
        for each in page.locator("#events li").evaluate_all("rows => rows.map(r => r.dataset.number)")
    ]
    assert newest_first == sorted(newest_first, reverse=True)


def test_retry_is_seen(page: "Page", stack: LocalStack) -> None:
    """An event that is delivered again shows its reason, its attempts and when the next one is due."""
    page.goto("/")
    stack.fault(1, status=503, retry_after=3)
    stack.create("retried")
    waiting = row(page, "retried")
    expect(waiting).to_have_attribute("data-outcome", "retry")
    expect(waiting).to_contain_text("TagApiUnavailable")
    expect(waiting).to_contain_text(re.compile("1. delivered next in [123] s"))
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
    page.get_by_label("Filter by text").fill("")
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


# -- rules -----------------------------------------------------------------------------------------


def test_rules(page: "Page", stack: LocalStack) -> None:
    """Faults stand at their lines while typing; the difference is seen before saving; saving takes effect."""
    stack.create("prod-under-rules")
    page.goto("/rules")
    table = page.get_by_label("The rules table in TOML")
    difference = page.locator("#difference")
    expect(difference).to_contain_text("No difference for")
    text = table.input_value()
    table.fill(text.replace("local_part", "locl_part"))
    expect(page.locator("#findings")).to_contain_text("there is no filter locl_part")
    line = text[: text.index("local_part")].count("\n") + 1
    expect(page.locator("#gutter .fault")).to_have_text(str(line))
    expect(difference).to_contain_text("The function would refuse this table: 1 fault.")
    page.locator("#findings button").click()
    assert table.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)").startswith(
        "tags.created-by"
    )

    table.fill(text.replace('= "production"', '= "{{ image.name | upper }}"'))
    expect(difference).to_contain_text(re.compile(r"\d+ of \d+ events would get other tags"))
    expect(difference.locator("li", has_text="prod-under-rules").first).to_contain_text("PROD-UNDER-RULES")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#saved")).to_have_text("Saved. The function uses it: 3 rules.")
    expect(difference).to_contain_text("No difference for")
    stack.create("prod-after-saving")
    page.goto("/")
    expect(row(page, "prod-after-saving")).to_contain_text("created-for=PROD-AFTER-SAVING")

    page.goto("/rules")
    table.fill("[[rule]\n")
    page.get_by_role("button", name="Save with faults").click()
    expect(page.locator("#saved")).to_contain_text("Saved, and refused")
    page.goto("/images")
    expect(page.get_by_role("alert")).to_contain_text("The function refused the changed table.")
    page.goto("/rules")
    table.fill(text)
    expect(page.locator("#findings")).to_have_text("No fault and no warning.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#saved")).to_contain_text("The function uses it")
    expect(page.locator("#rules-state")).to_have_text("rules.toml in use")


def test_changed_meanwhile(page: "Page") -> None:
    """A table that somebody else has changed since the page was opened is not written over."""
    page.goto("/rules")
    table = page.get_by_label("The rules table in TOML")
    text = table.input_value()
    other = page.context.new_page()
    other.goto("/rules")
    other.get_by_label("The rules table in TOML").fill(f"{text}# other\n")
    other.get_by_role("button", name="Save").click()
    expect(other.locator("#saved")).to_contain_text("Saved. ")
    table.fill(f"{text}# mine\n")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#saved")).to_contain_text("Somebody has changed the file")
    other.get_by_label("The rules table in TOML").fill(text)
    other.get_by_role("button", name="Save").click()
    expect(other.locator("#saved")).to_contain_text("Saved. ")
    page.close(run_before_unload=False)


# -- try -------------------------------------------------------------------------------------------


def test_samples(page: "Page") -> None:
    """A sample is sent as it is, in either mode, and the last edit is there again after a reload."""
    page.goto("/try")
    page.get_by_label("Start from").select_option("plain-binary.http")
    text = page.locator("#event")
    expect(text).to_have_value(re.compile("^ce-specversion: 1.0"))
    text.fill(text.input_value().replace("web-base", "binary-sample"))
    page.reload()
    expect(text).to_have_value(re.compile("binary-sample"))
    page.get_by_role("button", name="New event id").click()
    page.get_by_role("button", name="Send over the bus").click()
    expect(detail(page).get_by_role("heading", name="binary-sample")).to_be_visible()
    expect(detail(page)).to_contain_text("created-by")
    page.goto("/try")
    page.locator("#event").fill("no event")
    page.get_by_role("button", name="Send over the bus").click()
    expect(page.locator("#send-error")).to_contain_text("Write JSON, or the headers of binary mode")
    page.get_by_label("Start from").select_option("plain-structured.json")
    expect(text).to_have_value(re.compile("specversion"))
    text.fill(text.input_value().replace("prod-web-base", "posted-by-the-page"))
    page.get_by_role("button", name="Post straight to the function").click()
    expect(detail(page).get_by_role("heading", name="posted-by-the-page")).to_be_visible()


def test_create(page: "Page", stack: LocalStack) -> None:
    """An image is created from scratch by somebody, from a server, and as a copy."""
    stack.create("the-original")
    page.goto("/try")
    create = page.get_by_role("region", name="Create an image")
    create.get_by_label("Name").fill("made-by-grace")
    create.get_by_label("Creator").fill("grace@example.com")
    create.get_by_role("button", name="Create").click()
    expect(detail(page)).to_contain_text("created-by=grace")
    for kind, name in (("server", "made-from-a-server"), ("copy", "made-as-a-copy")):
        page.goto("/try")
        create.get_by_label("How").select_option(kind)
        create.get_by_label("Name").fill(name)
        if kind == "copy":
            create.get_by_label("Copy of").select_option(label="the-original")
        create.get_by_role("button", name="Create").click()
        page.goto("/")
        expect(row(page, name)).to_contain_text("tagged")


FAULTS = ("Throttle", "Unavailable", "Not ready", "No rights", "Quota", "Slow", "Broken connection")


def test_faults(page: "Page", stack: LocalStack) -> None:
    """Each fault is a button; which are armed, and how often each was met, is seen."""
    page.goto("/try")
    page.get_by_label("For the next").fill("3")
    for name in FAULTS:
        page.get_by_role("button", name=re.compile(f"^{name}")).click()
        expect(page.locator("#armed")).to_contain_text(f"{name}: 0 of 3")
    assert len(stack.control("GET", "faults")["faults"]) == len(FAULTS)
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator("#armed")).to_have_text("No fault is armed.")
    page.get_by_label("For the next").fill("9")
    page.get_by_role("button", name=re.compile("^Quota")).click()
    expect(page.locator("#armed")).to_have_text("Quota: 0 of 9")
    stack.create("over-quota")
    expect(page.locator("#armed")).to_have_text(re.compile("Quota: [1-3] of 9"))
    page.goto("/")
    expect(row(page, "over-quota")).to_contain_text("TagQuotaExceeded")


def test_kill_the_function(page: "Page", stack: LocalStack) -> None:
    """While the function is killed, events wait; when it runs again, none is lost."""
    page.goto("/try")
    page.get_by_role("button", name="Kill (pause)").click()
    expect(page.locator("#function-state")).to_have_text("function paused")
    expect(page.get_by_text("Events wait on the bus. Resume it")).to_be_visible()
    stack.create("waits-for-the-function")
    other = page.context.new_page()
    other.goto("/")
    expect(row(other, "waits-for-the-function")).to_contain_text("NoReply")
    page.get_by_role("button", name="Start again (resume)").click()
    expect(page.locator("#function-state")).to_have_text("function up")
    expect(row(other, "waits-for-the-function")).to_contain_text("tagged")


# -- images and dead letters -----------------------------------------------------------------------


def test_images(page: "Page", stack: LocalStack) -> None:
    """All images are listed with their tags, and one with its history."""
    image_id = stack.create("with-a-history")
    page.goto("/")
    expect(row(page, "with-a-history")).to_contain_text("tagged")
    page.goto("/images")
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


def dead_letter(page: "Page", stack: LocalStack, name: str) -> None:
    stack.fault(1, status=400, code="IMG.0116")
    stack.create(name)
    page.goto("/")
    expect(row(page, name)).to_have_attribute("data-outcome", "dead-letter")


def test_dead_letters(page: "Page", stack: LocalStack) -> None:
    """Dead letters stand by reason, with advice and what today's rules make of them; each way back works."""
    for name in ("dead-one", "dead-two", "dead-three"):
        dead_letter(page, stack, name)
    page.goto("/dead-letters")
    group = page.locator("section.card", has_text="TagQuotaExceeded")
    expect(group).to_contain_text("What to do:")
    expect(group.get_by_text("today's rules: tagged").first).to_be_visible()
    letters = group.locator("li")
    before = letters.count()
    group.get_by_role("button", name=re.compile("^Send dead letter")).first.click()
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.locator("#events li").first).to_contain_text("tagged")
    page.goto("/dead-letters")
    expect(letters).to_have_count(before - 1)
    letters.first.get_by_role("checkbox").check()
    page.get_by_role("button", name="Send 1 marked again").click()
    expect(page).to_have_url(re.compile(r"/$"))
    page.goto("/dead-letters")
    expect(letters).to_have_count(before - 2)
    page.get_by_role("button", name="Send all again").click()
    expect(page).to_have_url(re.compile(r"/$"))
    page.goto("/dead-letters")
    expect(page.get_by_text("TagQuotaExceeded")).to_have_count(0)


# -- everywhere ------------------------------------------------------------------------------------

HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "long": "x" * 10_000,
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u202egnp.exe",
    "terminal escapes": "\x1b[31mred\x1b]0;title\x07",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names(page: "Page", stack: LocalStack, name: str) -> None:
    """What an event holds is text: no markup, nothing hidden, nothing that breaks the page, in every view."""
    stack.post(stack.event(name))
    event = stack.event(name)
    stack.publish(event)
    page.goto("/")
    newest = page.locator("#events li").first
    expect(newest).not_to_contain_text("straight to the function")
    expect(newest).to_contain_text("tagged")
    newest.click()
    expect(detail(page).get_by_label("The event as text")).to_be_visible()
    for path in (page.url, "/images", f"/images/{event['subject']}", "/rules", "/try"):
        page.goto(path)
        page.wait_for_selector("#difference h2" if path == "/rules" else "main")
        assert page.locator("main script, main img").count() == 0
        assert not re.search("[\x1b\x07\u202e]", page.locator("body").inner_text())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", [*VIEWS, "an image"])
def test_accessibility(page: "Page", stack: LocalStack, path: str, *, dark: bool) -> None:
    """No view has a control without a name, too little contrast, or anything else that axe-core finds."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    if path == "an image":
        path = f"/images/{stack.create('prod-image-for-axe')}"
    page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
    page.goto(path)
    page.wait_for_selector("#difference h2" if path == "/rules" else "main")
    found = axe.run(page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


@pytest.mark.parametrize("width", [400, 1280, 1600])
@pytest.mark.parametrize("path", VIEWS)
def test_widths(page: "Page", path: str, width: int) -> None:
    """Every view fits the width of the window: nothing is reached by scrolling sideways alone."""
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(path)
    page.wait_for_selector("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


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
