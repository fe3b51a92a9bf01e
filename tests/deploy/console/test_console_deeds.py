"""What a person does in the console: change the rules, send, create, break, and send dead letters again."""

import re
from typing import TYPE_CHECKING

from tests.processes.local_stack import LocalStack
from tests.support.console_page import detail, expect, row

if TYPE_CHECKING:
    from playwright.sync_api import Page


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

    table.fill(f'{text}[[rule]]\ntags.x = "1"\n[[rule]]\nname = "in vain"\ntags.x = "2"\n')
    line = text.count("\n") + 5
    expect(page.locator("#gutter .warning")).to_have_text(str(line))
    expect(page.locator("#findings")).to_contain_text(f"warning, line {line}")

    stack.control("POST", "images", {"attributes": {"name": "prod-of-no-event"}})
    table.fill(text.replace('= "production"', '= "{{ image.name | upper }}"'))
    expect(difference).to_contain_text(
        re.compile(r"\d+ of \d+ events? would get other tags, and [1-9]\d* of \d+ other images?")
    )
    expect(difference.locator("li", has_text="prod-of-no-event")).to_contain_text("PROD-OF-NO-EVENT")
    expect(difference.locator("li", has_text="prod-under-rules").first).to_contain_text("PROD-UNDER-RULES")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#saved")).to_have_text("Saved. The function uses it: 3 rules.")
    assert stack.rules.read_text() == table.input_value()
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
    expect(page.get_by_text("Coverage is not known: The table has a fault")).to_be_visible()
    page.goto("/rules")
    table.fill(text)
    expect(page.locator("#findings")).to_have_text("No fault and no warning.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#saved")).to_contain_text("The function uses it")
    expect(page.locator("#rules-state")).to_have_text("rules.toml in use")


def test_rules_that_read_images(page: "Page", stack: LocalStack) -> None:
    """The difference knows what IMS says of an image, and of the one that it was made from."""
    original = stack.create("read-original")
    page.goto("/try")
    create = page.get_by_role("region", name="Create an image")
    create.get_by_label("How").select_option("copy")
    create.get_by_label("Name").fill("read-copy")
    create.get_by_label("Copy of").select_option(original)
    create.get_by_role("button", name="Create").click()
    expect(row(page, "read-copy")).to_contain_text("tagged")
    page.goto("/rules")
    table, difference = page.get_by_label("The rules table in TOML"), page.locator("#difference")
    text = table.input_value()
    table.fill(f'{text}\n[[rule]]\ntags.of = "{{{{ ims.name }}}}"\ntags.parent = "{{{{ parent.name }}}}"\n')
    changes = difference.locator("li", has=page.get_by_role("link", name="read-copy", exact=True))
    expect(changes.first).to_contain_text(re.compile("of: none .* read-copy.*parent: none .* read-original"))
    changes = difference.locator("li", has=page.get_by_role("link", name="read-original", exact=True))
    expect(changes.first).to_contain_text(re.compile("of: none .* read-original"))
    expect(changes.first).not_to_contain_text("parent")


def test_rules_with_a_lookup(page: "Page", stack: LocalStack) -> None:
    """A draft reads the lookup files beside the table, and reads them again when they change."""
    stack.create("looked-up")
    lookup = stack.rules.with_name("costs.csv")
    lookup.write_text("key,value\nlooked-up,before\n")
    page.goto("/rules")
    table = page.get_by_label("The rules table in TOML")
    change = page.locator("#difference li", has=page.get_by_role("link", name="looked-up", exact=True)).first
    text = table.input_value()
    rule = """tags.cost = "{{ image.name | lookup('cost') }}"\n"""
    draft = f'{text}[lookup.cost]\nfile = "costs.csv"\n[[rule]]\n{rule}'
    table.fill(draft)
    expect(change).to_contain_text("before")
    lookup.write_text("key,value\nlooked-up,after\n")
    table.fill(text)
    expect(page.locator("#difference")).to_contain_text("No difference for")
    table.fill(draft)
    expect(change).to_contain_text("after")
    table.fill(text)


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
        expect(detail(page).get_by_role("heading", name=name)).to_be_visible()
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
    expect(page.get_by_role("button", name="Clear all")).to_be_disabled()
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
    start = page.get_by_role("button", name="Start again (resume)")
    expect(start).to_be_enabled()
    stack.create("waits-for-the-function")
    other = page.context.new_page()
    other.goto("/")
    expect(row(other, "waits-for-the-function")).to_contain_text("NoReply")
    expect(other.get_by_text("The function is paused. Events wait on the bus.")).to_be_visible()
    other.get_by_role("button", name="Resume it").click()
    expect(page.locator("#function-state")).to_have_text("function up")
    expect(start).to_be_disabled()
    expect(row(other, "waits-for-the-function")).to_contain_text("tagged")


def test_dead_letters(page: "Page", stack: LocalStack) -> None:
    """Dead letters stand by reason, with advice and what today's rules make of them; each way back works."""
    page.goto("/")
    for name in ("dead-one", "dead-two", "dead-three", "dead-four"):
        stack.fault(1, status=400, code="IMG.0116")
        stack.create(name)
        expect(row(page, name)).to_have_attribute("data-outcome", "dead-letter")
    stack.publish({"no": "event"}, {**stack.event("no-image"), "data": {}, "subject": "none"})
    expect(page.locator("#events li", has_text="message without an event").first).to_contain_text("Invalid")
    row(page, "dead-four").click()
    way = detail(page).get_by_label("Its way")
    expect(way).to_contain_text("PUT /v1/cloudimages/tags 400")
    expect(way).to_contain_text("delivery.dead_letter attempt 1, status 400")
    page.goto("/dead-letters")
    for advice in ("This one cannot be mended.", "Tag this image by hand, or have a whole event sent."):
        expect(page.locator("section.card", has_text=advice)).to_contain_text("InvalidEvent")
    group = page.locator("section.card", has_text="TagQuotaExceeded")
    expect(group).to_contain_text("What to do:")
    expect(group.get_by_text("today's rules: tagged").first).to_be_visible()
    letters = group.locator("li")
    letters.first.locator("summary").click()
    expect(letters.first).to_contain_text("Another delivery changes nothing: somebody must delete a tag.")
    expect(letters.first).to_contain_text("code IMG.0116 · status 400 · attempts 1")
    before = letters.count()
    assert before >= 4
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
    group.locator("[data-group]").check()
    expect(page.get_by_role("button", name=f"Send {before - 2} marked again")).to_be_enabled()
    group.locator("[data-group]").uncheck()
    expect(page.get_by_role("button", name="Send the marked again")).to_be_disabled()
    page.get_by_label("may overwrite").check()
    page.get_by_role("button", name="Send all again").click()
    expect(page).to_have_url(re.compile(r"/$"))
    page.goto("/dead-letters")
    expect(page.get_by_text("TagQuotaExceeded")).to_have_count(0)
