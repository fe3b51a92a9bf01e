"""Explains why a text is not TOML to readers who do not know its specification."""

import re

from handlers.core.rules.diagnostics import Diagnostic, Path
from handlers.core.rules.lines import Lines

_YAML = re.compile(r"""(?:[ \t\r]*(?:\#.*)?\n)*[ \t]*(?:---|-[ ]|[\w"'-]+:(?:\s|$))""", re.VERBOSE)
_ERROR = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL
)
_TWICE = re.compile("Cannot overwrite a value|Cannot declare .* twice|Duplicate inline table key .*")
_COMPLETE = re.compile(r"Cannot (?:mutate immutable|redefine) namespace \((?P<names>.*)\)")
_PAIR = re.compile(r"\s*(?P<key>[^=#]+?)\s*=\s*(?P<value>[^\s\"'\[{].*|\{\{.*)")
_TEXT = re.compile(r"(?:\{\{.*?\}\}|[^\s#]|\s+(?=[^\s#]))+")
_TEXT_IN_BRACKETS = re.compile(r"(?:\{\{.*?\}\}|[^\s#\],}]|\s+(?=[^\s#\],}]))+")
_LONGEST = 200
"""Characters of a text that a message repeats."""


def explain(error: Exception, text: str, file: str) -> Diagnostic:
    """The diagnostic of a file. error: the exception that `tomllib` raised for its text."""
    message, line = _explain(error, text, file)
    return Diagnostic(file, "", message, line=line)


def _explain(error: Exception, text: str, file: str) -> tuple[str, int | None]:
    if file.endswith((".yaml", ".yml")) or _YAML.match(text):
        example = 'tags.env = "prod"'
        message = f"it is YAML, and a rules table is TOML: begin a rule with [[rule]], and write {example}"
        return message, None
    place = _ERROR.fullmatch(str(error))
    if not place:  # no words of TOML's reader
        why = "it nests too deep" if isinstance(error, RecursionError) else "a number has too many digits"
        return f"it is not TOML that can be read: {why}", None
    if _TWICE.fullmatch(place["what"]) and (repeated := Lines(text).repeated):
        path, first, second = repeated
        return f"{_dotted(path)} is set twice, first in line {first}; keep one of them", second
    number = int(place["line"] or text.rstrip().count("\n") + 1)
    if complete := _COMPLETE.fullmatch(place["what"]):
        name = ".".join(re.findall("'(.*?)'", complete["names"])).removeprefix("rule.")
        return f"{name} is written as a whole before this; add this there", number
    if not place["line"]:
        return f"it is not TOML: {error}", number
    line = text.split("\n")[number - 1]
    unquoted = _unquoted(place["what"], line, int(place["column"]) - 1)
    return unquoted or f"it is not TOML: {error}", number


def _dotted(path: Path) -> str:
    """A path in the notation of a rule: `tags.env`, without the number of the rule."""
    after = max((place + 1 for place, name in enumerate(path) if isinstance(name, int)), default=0)
    return ".".join(map(str, path[after:]))


def _unquoted(what: str, line: str, at: int) -> str:
    """What to write instead of text without quotes; "" if that is not the fault."""
    pair = _PAIR.match(line)
    if pair and what == "Expected newline or end of document after a statement":
        at = pair.start("value")  # it begins like a number, a date or a boolean
    elif line.startswith("{{", at - 1):
        at -= 1  # it begins like an inline table
    elif what != "Invalid value" or line[at : at + 1] in {"", "#"}:
        return ""
    alone = pair is not None and pair.start("value") == at
    text = (_TEXT if alone else _TEXT_IN_BRACKETS).match(line[at : at + _LONGEST])
    if not text:
        return ""
    key = f"{pair['key']} = " if pair and alone else ""
    quote = "'" if '"' in text[0] else '"'
    return f"text needs quotes; write {key}{quote}{text[0]}{quote}"
