"""A page of the console in a real Chromium."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.processes.local_stack import LocalStack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page


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
