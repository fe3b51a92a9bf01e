"""The pages of the project, for the tests that hold them to the code."""

import re

from tests.support.paths import ROOT

FOLDERS = (".", ".github", "handlers", "deploy", "tests")
PAGES = sorted(
    page
    for folder in FOLDERS
    for page in (ROOT / folder).glob("*.md" if folder == "." else "**/*.md")
    if ".venv" not in page.parts
)

RULES = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.match("handlers/rules*.md"))
"""The specification of the rules table."""


def section(heading: str, page: str = "*.md") -> str:
    """What stands under a heading of the second level, which one page has. page: a pattern of its path."""
    texts = [each.read_text(encoding="utf-8") for each in PAGES if each.match(page)]
    found = [text.split(f"\n## {heading}\n")[1] for text in texts if f"\n## {heading}\n" in text]
    assert len(found) == 1, f"{len(found)} pages have a section {heading}"
    return found[0].split("\n## ")[0]


def table(heading: str, page: str = "*.md") -> list[list[str]]:
    """The rows of the first table under a heading of the second level, without the head."""
    lines = re.search(r"(?:^\|.*\n)+", section(heading, page), re.MULTILINE)
    assert lines
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[0].splitlines()[2:]]
