"""The place that `images replay --follow` keeps in a file: up to when it has asked, and what it has sent."""

import fcntl
import json
import os
from datetime import datetime, timedelta
from pathlib import Path

from handlers.commands.files import UsageError, open_regular, writing
from handlers.core.json_access import object_or_empty, rfc3339
from handlers.core.times import parse_time
from handlers.edges.regular_file import sync_folder

OVERLAP = timedelta(minutes=30)
"""How far back each look goes. How late a trace can be is not published."""

KIND = "images replay"


class Place:
    """On disk after each event, so that a run that is killed sends at most one event again.

    start: from when to ask, if there is no file yet. until: all traces before it are done.
    sent: the traces of the overlap that are, each with its time in seconds since 1970.
    """

    def __init__(self, path: Path, start: datetime) -> None:
        """Raises UsageError, also where another run keeps its place in this file."""
        self._path = path
        self._lock = self._locked()
        self.until = start + OVERLAP
        self._sent = dict[str, float]()
        if os.path.lexists(path):
            self._load()

    def __contains__(self, trace_id: str) -> bool:
        return trace_id in self._sent

    @property
    def since(self) -> datetime:
        """From when to ask for traces."""
        return self.until - OVERLAP

    def correct(self, now: datetime) -> None:
        """A clock that was ahead once must not hide the traces of the time until then."""
        if self.since > now:
            self.until = now

    def add(self, trace_id: str, at: datetime) -> None:
        """Notes that a trace needs no more. Raises UsageError."""
        self._sent[trace_id] = at.timestamp()
        self.save()

    def advance(self, until: datetime) -> None:
        """Forgets what no look can show again. Raises UsageError."""
        # In whole seconds, as in the file, so that the next run knows all that it can be shown again.
        self.until = max(self.until, until.replace(microsecond=0))
        oldest = self.since.timestamp()
        self._sent = {each: at for each, at in self._sent.items() if at >= oldest}
        self.save()

    def save(self) -> None:
        """Replaces the file as a whole, and is back when it is on disk. Raises UsageError."""
        content = {"kind": KIND, "until": rfc3339(self.until), "sent": self._sent}
        new = self._path.with_name(f".{self._path.name}.new")
        with writing(self._path):
            new.unlink(missing_ok=True)
            file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "w", encoding="utf-8") as stream:
                json.dump(content, stream)
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(self._path)
            sync_folder(self._path.parent)

    def _locked(self) -> int:
        """The open file that no other run has locked. It is not the state, which is replaced each time."""
        with writing(self._path):
            name = self._path.with_name(f".{self._path.name}.lock")
            file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"{self._path} holds the place of another run; end that, or name another file"
                ) from None
        return file

    def _load(self) -> None:
        with open_regular(self._path, follow=False) as file:
            content = object_or_empty(file.read())
        until, sent = parse_time(content.get("until")), content.get("sent")
        if content.get("kind") != KIND or until is None or not isinstance(sent, dict):
            raise UsageError(f"{self._path} is not the state of `images replay`; name another file")
        self.until = until
        self._sent = {each: at for each, at in sent.items() if isinstance(at, int | float)}
