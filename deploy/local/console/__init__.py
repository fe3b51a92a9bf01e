"""The console: the web page of the local stack, for looking instead of reading.

It learns everything through public doors: the journal of log lines, HTTP of the function and of the
emulator's control plane, the bus, and the commands' JSON. It listens on the loopback alone.
"""

from deploy.local.console.server import Console

__all__ = ["Console"]
