"""Regular files: reads them, sees whether one has changed, and keeps the name of a new one.

Nobody knows how long a pipe or a device makes its reader wait.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

State = tuple[int, int, int]

SIZE_MAX = 64 * 2**20
"""Bytes of a file that is read as a whole: the JSON of so many can take gigabytes of memory."""

TOO_LARGE = f"it is larger than {SIZE_MAX // 2**20} MiB"


def open_regular(path: str | Path, *, follow: bool = True) -> BinaryIO:
    """Opens a regular file. follow: whether the path may be a symbolic link.

    Raises OSError with its reason in `strerror`, and ValueError if the path holds a NUL.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    file = os.open(path, flags)
    mode = os.fstat(file).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(file, "rb")
    os.close(file)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is no regular file", str(path))


def read_regular(path: str | Path) -> bytes:
    """The content of a regular file of at most SIZE_MAX bytes. Raises as `open_regular` does."""
    with open_regular(path) as file:
        content = file.read(SIZE_MAX + 1)
    if len(content) > SIZE_MAX:
        raise OSError(errno.EFBIG, TOO_LARGE, str(path))
    return content


def state_of(path: Path) -> State:
    """What changes when the file does. Raises OSError."""
    found = os.stat(path)  # noqa: PTH116 - before every call of the API, and Path.stat takes longer
    return found.st_mtime_ns, found.st_size, found.st_ino


def sync_folder(path: Path) -> None:
    """Makes the name of a new file as durable as its content. Raises OSError."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
