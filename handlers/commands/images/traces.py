"""Traces of created images, kept on disk while a command runs: in the order of time, and by image.

There may be many, and the service gives the newest first. So a temporary database holds them, which ends with
the command.
"""

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from handlers.commands.files import UsageError
from handlers.core.events import CreationSignals
from handlers.core.events.creators import completed, creation_in
from handlers.core.json_access import Json, object_or_empty, string
from handlers.core.times import parse_time

_TABLES = """
CREATE TABLE trace (id TEXT PRIMARY KEY, time REAL, text TEXT);
CREATE TABLE image (image_id TEXT, trace_id TEXT, job_id TEXT, name TEXT, by_system INTEGER);
CREATE TABLE job (job_id TEXT, trace_id TEXT);
CREATE INDEX by_image ON image (image_id);
CREATE INDEX by_job ON job (job_id);
"""

_CREATOR_NAMED = """
SELECT text FROM image JOIN trace ON trace.id = trace_id WHERE image_id = ? AND by_system = ? ORDER BY time
"""

_JOB_BY_CREATOR = """
SELECT text, image.name FROM image JOIN job ON job.job_id = image.job_id JOIN trace ON trace.id = job.trace_id
WHERE image_id = ? ORDER BY time
"""


class CreationTrace(NamedTuple):
    """The trace that says most of the creation of an image. names_creator: whether it says who made it."""

    trace: Json
    names_creator: bool


class Traces:
    """Traces, each once. With `add`, those that are about no created image are left out."""

    def __init__(self, signals: CreationSignals) -> None:
        self._signals = signals
        self._database = sqlite3.connect("")  # on disk, without a name
        self._database.executescript(_TABLES)

    def close(self) -> None:
        self._database.close()

    def __len__(self) -> int:
        count: int = self._database.execute("SELECT count(*) FROM trace").fetchone()[0]
        return count

    def __iter__(self) -> Iterator[Json]:
        """The oldest first."""
        for (text,) in self._database.execute("SELECT text FROM trace ORDER BY time, id"):
            yield json.loads(text)

    def add(self, trace: Json) -> bool:
        """Keeps a trace; False if it is about no created image, or known. Raises UsageError."""
        trace_id = string(trace, "trace_id")
        creation = creation_in(trace, self._signals)
        if not trace_id or creation is None:
            return False
        at = time_of(trace)
        row = (trace_id, at.timestamp() if at else 0.0, json.dumps(trace))
        try:
            if not self._database.execute("INSERT OR IGNORE INTO trace VALUES (?, ?, ?)", row).rowcount:
                return False
            for image in creation.images:
                named = (image["id"], trace_id, creation.job_id, string(image, "name"), creation.by_system)
                self._database.execute("INSERT INTO image VALUES (?, ?, ?, ?, ?)", named)
            if not creation.images:
                self._database.execute("INSERT INTO job VALUES (?, ?)", (creation.job_id, trace_id))
        except sqlite3.OperationalError:
            raise UsageError("there is no room for temporary files; make some, or set TMPDIR") from None
        return True

    def of_image(self, image_id: str) -> CreationTrace | None:
        """The trace that says who made an image, else the one that only says that it was made.

        The first trace of a job may name the job alone. Then it is completed with the image.
        """
        find = self._database.execute
        if found := find(_CREATOR_NAMED, (image_id, 0)).fetchone():
            return CreationTrace(json.loads(found[0]), names_creator=True)
        if found := find(_JOB_BY_CREATOR, (image_id,)).fetchone():
            image = {"id": image_id, "name": found[1]}
            return CreationTrace(completed(object_or_empty(json.loads(found[0])), image), names_creator=True)
        if found := find(_CREATOR_NAMED, (image_id, 1)).fetchone():
            return CreationTrace(json.loads(found[0]), names_creator=False)
        return None


def time_of(trace: Json) -> datetime | None:
    """When a trace was recorded, by which the service lists it; else when its operation was."""
    return parse_time(trace.get("record_time")) or parse_time(trace.get("time"))
