"""Files of traces, as Cloud Trace Service stores them in OBS (CTS user guide, "Querying Archived Traces")."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handlers.commands.files import UsageError, open_regular
from handlers.core.json_access import Json, as_list
from handlers.core.json_text import NotJson, encodable, parse

SUFFIXES = (".json", ".json.gz")


def traces_in(paths: list[Path]) -> Iterator[Json]:
    """The traces in these files, and in the files of SUFFIXES in these folders. Raises UsageError."""
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file == path or (file.name.endswith(SUFFIXES) and file.is_file()):
                yield from (each for each in _elements(file) if isinstance(each, dict))


def _elements(path: Path) -> list[Any]:
    """A list of traces, one trace, or an answer of the service."""
    with open_regular(path) as file:
        content = file.read()
    try:
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        value = encodable(parse(content.decode("utf-8-sig")))
    except (OSError, EOFError, zlib.error):
        raise UsageError(f"{path} is not whole; fetch it again") from None
    except (NotJson, UnicodeDecodeError):
        raise UsageError(f"{path} holds no traces; it must be JSON, plain or compressed by gzip") from None
    if isinstance(value, dict) and "traces" in value:
        return as_list(value["traces"])
    return value if isinstance(value, list) else [value]
