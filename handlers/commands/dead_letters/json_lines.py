"""JSON objects in a stream, one a line or as JSON is printed for people, in bounded memory."""

import stat
import sys
from collections.abc import Iterator
from os import fstat
from typing import BinaryIO, NamedTuple

LINE_MAX = 16 * 2**20
"""Bytes; far beyond what the function's default settings let into a dead letter."""


class Text(NamedTuple):
    """The text of an object: the number of its first line, from 1, and its offset in bytes.

    content: longer than LINE_MAX only to show that it is too long; then it is not whole.
    """

    line: int
    offset: int
    content: bytes


def objects_in(stream: BinaryIO) -> Iterator[Text]:
    """The objects of a stream; of a file, up to the size that it has now. Empty lines are none."""
    size = fstat(stream.fileno()).st_size if is_file(stream) else sys.maxsize
    begun, content = None, bytearray()
    for text in _lines(stream, size):
        if begun and text.content.startswith(b"{"):
            yield begun  # a torn line: a writer that died after one byte must not hide what others wrote
            begun = None
        if begun:
            content += text.content if len(content) <= LINE_MAX else b""
            if text.content.rstrip() == b"}":
                yield begun._replace(content=bytes(content))
                begun = None
        elif text.content.rstrip() == b"{":
            begun, content = text, bytearray(text.content)
        elif text.content.strip():
            yield text
    if begun:
        yield begun._replace(content=bytes(content))


def is_file(stream: BinaryIO) -> bool:
    """Whether it is a file proper, which has a size and can be read again; a pipe is none."""
    return stat.S_ISREG(fstat(stream.fileno()).st_mode)


def _lines(stream: BinaryIO, size: int) -> Iterator[Text]:
    number = offset = 0
    while line := stream.readline(min(LINE_MAX + 1, size - offset)):
        number += 1
        yield Text(number, offset, line)
        offset += len(line)
        while len(line) > LINE_MAX and not line.endswith(b"\n"):
            line = stream.readline(min(LINE_MAX + 1, size - offset))
            offset += len(line)
