"""The commands about images, as an operator runs them."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from tests.bench.rig.system import System
from tests.support.paths import ROOT

ATTEMPTS = 5
"""How often a backfill is run again that was not done with all."""


class Images:
    """`images coverage`, `replay` and `backfill`. settings: of the function."""

    def __init__(self, system: System, settings: Mapping[str, str]) -> None:
        self._system = system
        self._environ = system.of_commands(**settings)

    def coverage(self) -> list[dict[str, Any]]:
        answer = self._run("coverage", "--json")
        lines = [json.loads(line) for line in answer.stdout.splitlines()]
        lacks = any(line.get("state") == "lacking" for line in lines)
        assert answer.returncode == int(lacks), answer
        return lines

    def replay(self, since: str) -> None:
        """Onto the bus."""
        to = ("--to", self._system.bus.url, "--rate", "1000")
        answer = self._run("replay", "--json", "--since", since, *to)
        assert answer.returncode == 0, answer

    def backfill(self, *options: str) -> dict[str, Any]:
        """Gives its summary."""
        answer = self._run("backfill", "--json", *self._to("1000"), *options)
        assert answer.returncode in {0, 1}, answer
        return dict(json.loads(answer.stdout))

    def backfill_with_kills(self) -> list[dict[str, Any]]:
        """Kills it once it has tagged an image, and the function with it; then runs it until all is done."""
        log = self._system.function.log
        log.new_lines()
        running = self._start("backfill", "--json", *self._to("50"))
        while running.poll() is None:
            if any(line.get("outcome") == "tagged" for line in log.new_lines()):
                running.kill()
                self._system.function.kill()
            time.sleep(0.01)
        running.communicate()
        self._system.keep_up()
        summaries = []
        for _ in range(ATTEMPTS):
            self._system.keep_up()
            summaries.append(self.backfill())
            if summaries[-1]["images"] == summaries[-1]["complete"] + sum(summaries[-1]["done"].values()):
                break
        return summaries

    def _to(self, rate: str) -> tuple[str, ...]:
        return ("--to", self._system.url, "--rate", rate)

    def _start(self, *arguments: str) -> "subprocess.Popen[str]":
        command = (sys.executable, "main.py", "images", *arguments)
        piped = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=self._environ, stdout=piped, stderr=piped, text=True)

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        running = self._start(*arguments)
        out, err = running.communicate()
        return subprocess.CompletedProcess(arguments, running.returncode, out, err)
