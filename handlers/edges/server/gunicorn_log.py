"""Turns messages of gunicorn into lines of the function's log."""

import sys
from typing import ClassVar

from gunicorn.config import Config
from gunicorn.glogging import Logger

from handlers.edges.log import Log


class GunicornLog(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Logs errors only, such as a killed worker or an address in use. The worker logs requests."""

    line: ClassVar[Log]

    def setup(self, cfg: Config) -> None:
        """Sets up no handlers and no files."""
        self.cfg = cfg

    def error(self, msg: object, *args: object, exc_info: object = None, **_: object) -> None:
        why = str(msg) % args if args else str(msg)
        self.line("server.error", severity="ERROR", error=sys.exception() if exc_info else None, detail=why)

    critical = error

    def exception(self, msg: object, *args: object, **_: object) -> None:
        self.error(msg, *args, exc_info=True)

    def silent(self, *_: object, **__: object) -> None:
        """Drops messages below an error."""

    warning = info = debug = log = access = silent
