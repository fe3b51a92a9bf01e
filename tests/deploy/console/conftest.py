"""A page of the console in a real Chromium."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.processes.local_stack import LocalStack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page


@pytest.fixture(scope="module")
def context(browser: "Browser", stack: LocalStack) -> Iterator["BrowserContext"]:
    """One for the tests of a file, because a new one, with its processes, takes longer than most tests."""
    context = browser.new_context(base_url=stack.url)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def page(context: "BrowserContext", stack: LocalStack) -> Iterator["Page"]:
    """A page of the console as somebody sees it first, on which nothing may go wrong unseen."""
    page = context.pages[0] if context.pages else context.new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    wrong: list[str] = []

    def note(line: "ConsoleMessage") -> None:
        # That the console refuses something, the browser calls an error.
        if line.type == "error" and not re.search("responded with a status of 4(00|04|09)", line.text):
            wrong.append(line.text)

    watched = {
        "weberror": lambda error: wrong.append(str(error.error)),
        "console": note,
        "dialog": lambda dialog: wrong.append(dialog.message),
        "request": lambda each: None if each.url.startswith(stack.url) else wrong.append(each.url),
    }
    for name, handler in watched.items():
        context.on(name, handler)  # type: ignore[call-overload] # by name, mypy cannot tell
    yield page
    stack.control("DELETE", "faults")
    for name, handler in watched.items():
        context.remove_listener(name, handler)
    page.unroute_all()
    page.evaluate("localStorage.clear(), sessionStorage.clear()")
    # A table that is not saved would ask before it is left.
    is_kept = not page.url.endswith("/rules")
    for each in context.pages[is_kept:]:
        each.close()
    if is_kept:
        page.goto("about:blank")
    assert wrong == []
