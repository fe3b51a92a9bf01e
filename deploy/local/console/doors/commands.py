"""The commands of `main.py`, run as processes whose JSON is read."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from deploy.local.processes import ROOT

WITHIN = 30.0
"""Seconds that a command has."""

LONGEST = 64 * 1024 * 1024
"""Bytes of an answer."""

AT_ONCE = 3


class CommandFailed(Exception):
    """A command gave no answer, or said that it cannot do what it was asked; the message is for people."""


class Commands:
    """Runs commands with the settings of the function, such as RULES."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, *arguments: str, **settings: str) -> Any:
        """The document that a command answers. Raises CommandFailed."""
        output, words = await self._run(arguments, settings)
        try:
            answer = json.loads(output)
        except ValueError:
            raise CommandFailed(words) from None
        return _without_errors(answer)

    async def rows(self, *arguments: str, **settings: str) -> list[dict[str, Any]]:
        """The objects that a command answers, one in each line. Raises CommandFailed."""
        output, words = await self._run(arguments, settings)
        try:
            rows = [_without_errors(json.loads(line)) for line in output.splitlines()]
        except ValueError:
            raise CommandFailed(words) from None
        if rows and (fault := fault_in(rows[0])):
            raise CommandFailed(fault)
        return rows

    async def _run(self, arguments: tuple[str, ...], settings: Mapping[str, str]) -> tuple[bytes, str]:
        """Standard output, and the last words of standard error."""
        async with self._at_once:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(ROOT / "main.py"),
                *arguments,
                "--json",
                cwd=ROOT,
                env={**self._settings, **settings},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            pipes = process.stdout, process.stderr
            try:
                async with asyncio.timeout(WITHIN):
                    output, errors = await asyncio.gather(*(_read(pipe) for pipe in pipes if pipe))
                    await process.wait()
            except TimeoutError:
                raise CommandFailed(f"The command took longer than {WITHIN:.0f} s.") from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        words = errors.decode(errors="replace").strip().splitlines()
        return output, words[-1] if words else "The command answered nothing."


def fault_in(answer: Any) -> str:
    """The first fault of the table, if it has some and the command therefore answers nothing else."""
    faults = answer.get("faults", ()) if isinstance(answer, dict) else ()
    return f"The table has a fault: {faults[0]['place']}: {faults[0]['message']}." if faults else ""


def _without_errors(answer: Any) -> Any:
    """Raises CommandFailed for an answer that holds nothing but errors."""
    if isinstance(answer, dict) and list(answer) == ["errors"]:
        raise CommandFailed(". ".join(map(str, answer["errors"])))
    return answer


async def _read(stream: asyncio.StreamReader) -> bytes:
    """All of it. Raises CommandFailed if that is too much."""
    content = bytearray()
    while piece := await stream.read(1024 * 1024):
        content += piece
        if len(content) > LONGEST:
            raise CommandFailed(f"The command answers more than {LONGEST // 1024**2} MiB.")
    return bytes(content)
