"""What tests find on a page of the console, and wait for. Without Playwright they are skipped."""

from typing import TYPE_CHECKING

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = sync_api.expect
expect.set_options(timeout=20_000)

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def row(page: "Page", name: str) -> "Locator":
    """The newest row with a name."""
    return page.locator("#events li", has=page.get_by_text(name, exact=True)).first


def detail(page: "Page") -> "Locator":
    return page.locator("#detail article")
