"""Files of traces, as Cloud Trace Service stores them in OBS (CTS user guide, "Querying Archived Traces")."""

import gzip
import os
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from handlers.commands.files import UsageError, read
from handlers.core.json_access import Json, as_list
from handlers.core.json_text import NotJson, encodable, parse
from handlers.edges.regular_file import SIZE_MAX, TOO_LARGE

SUFFIXES = (".json", ".json.gz")


def traces_in(paths: list[Path]) -> Iterator[Json]:
    """The traces in these files, and in the files of SUFFIXES in these folders. Raises UsageError."""
    for path in paths:
        files = sorted(path.rglob("*")) if os.path.isdir(path) else [path]  # noqa: PTH112 - raises nothing
        for file in files:
            if file == path or (file.name.endswith(SUFFIXES) and file.is_file()):
                yield from (each for each in _elements(file) if isinstance(each, dict))


def _elements(path: Path) -> list[Any]:
    """A list of traces, one trace, or an answer of the service."""
    content = read(path)
    try:
        if content.startswith(b"\x1f\x8b"):
            with gzip.open(BytesIO(content)) as compressed:
                content = compressed.read(SIZE_MAX + 1)
            if len(content) > SIZE_MAX:
                raise UsageError(f"{path} cannot be read: {TOO_LARGE} when it is decompressed")
        value = encodable(parse(content.decode("utf-8-sig")))
    except (OSError, EOFError, zlib.error):
        raise UsageError(f"{path} is not whole; fetch it again") from None
    except (NotJson, UnicodeDecodeError):
        raise UsageError(f"{path} holds no traces; it must be JSON, plain or compressed by gzip") from None
    if isinstance(value, dict) and "traces" in value:
        return as_list(value["traces"])
    return value if isinstance(value, list) else [value]
