"""Commands as they run on a terminal and in a pipe."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from tests.support.paths import ROOT

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(*command: str, columns: int = 80, typed: bytes = b"", **environ: str) -> str:
    """What a command writes, standard error too, when both are a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    settings = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", **environ}
    with subprocess.Popen(command, cwd=ROOT, env=settings, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        os.write(ours, typed)
        written = b""
        try:
            while piece := os.read(ours, 65536):
                written += piece
        except OSError:  # how Linux says that nobody has the terminal open any more
            pass
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


def in_a_pipe(*command: str, **environ: str) -> str:
    """What a command writes to a pipe."""
    settings = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", **environ}
    ran = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return ran.stdout
