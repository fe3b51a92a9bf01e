"""What tests find on a page of the console, and wait for. Without Playwright they are skipped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = sync_api.expect
expect.set_options(timeout=20_000)

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route


def row(page: "Page", name: str) -> "Locator":
    """The newest row with a name."""
    return page.locator("#events li", has=page.get_by_text(name, exact=True)).first


def detail(page: "Page") -> "Locator":
    return page.locator("#detail article")


@contextmanager
def late(page: "Page", pattern: str) -> Iterator[Callable[[], None]]:
    """The next question to such an address is held back until the callable is called, so its answer is late.

    If the page has given the question up by then, no answer comes.
    """
    held: list[Route] = []

    def hold(route: "Route") -> None:
        held.append(route)

    page.route(pattern, hold, times=1)

    def come() -> None:
        while not held:
            page.wait_for_timeout(10)
        [route] = held
        if route.request.failure is None:
            with page.expect_event("requestfinished", lambda each: each == route.request):
                route.continue_()
        # What the page does with it, it does before the next picture.
        page.evaluate("new Promise(requestAnimationFrame)")

    yield come
