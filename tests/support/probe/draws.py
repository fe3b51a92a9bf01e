"""Clouds that the probe is sent to: drawn by chance, and what of each can be observed."""

import argparse
import io
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, NamedTuple

import requests

from handlers.commands.probe.run import probe
from tests.processes.emulator import Ims
from tests.support.paths import ROOT

RIGHTS = ("ims:images:list", "ims:images:get", "ims:images:update", "cts:trace:list")
TOKEN = "canary-token-of-the-probe"

SETTINGS: Mapping[str, Sequence[Any]] = {
    "tag_separator": ("=", "."),
    "page_info": (True, False),
    "unknown_image_shown": ("404", "400 IMG.0027", "400 IMG.0086", "404 IMG.0144", "400 IMG.0999"),
    "unknown_image_tagged": ("400 IMG.0027", "400 IMG.0144", "404", "400 IMG.0999"),
    "unknown_job": ("400 IMG.0023", "404", "400 IMG.0001"),
    "batch_call": (True, False),
    "readable_after": (0, 5, 13),
    "taggable_before_active": (True, False),
    "malformed_tag": ("400 IMG.0115", "400 IMG.0001", "400 IMG.0016", "422"),
    "key_length": (36, 43, 128),
    "value_length": (43, 255),
    "dots_in_keys": (True, False),
    "dots_in_values": (True, False),
    "tags_max": (10, 20),
    "full_image": ("400 IMG.0116", "400 IMG.0115", "413", "400 IMG.0999"),
    "creation_trace": ("createImage", "imsCreateImage"),
    "first_trace_names_image": (True, False),
    "image_id_in_trace": (
        "resource_id response.entities.image_id",
        "resource_id",
        "response.entities.image_id",
        "response.image.id",
        "response.entities.imageId",
    ),
    "copy_resource": ("source", "copy"),
    "job_image_id": ("entities.image_id", "image_id", "entities.imageId"),
    "trace_tagging": ("none", "addTag", "updateImage"),
}
TRACES: Mapping[str, Sequence[Any]] = {
    "traces_on": (True, True, False),
    "trace_bodies": ("text", "objects"),
    "trace_marker_on_last_page": (True, False),
}
OF_TAGS = ("malformed_tag", "key_length", "value_length", "dots_in_keys", "dots_in_values")


class Draw(NamedTuple):
    """cloud: the switches. denied: rights that the probe lacks. status: of the image that it may tag; "" for
    none. own_tags: of that image.
    """

    cloud: dict[str, Any]
    denied: Sequence[str] = ()
    status: str = "active"
    own_tags: int = 2
    quota: bool = True

    @classmethod
    def by_chance(cls, seed: int) -> "Draw":
        chance = random.Random(seed)  # noqa: S311 - no secret, but the same draws each time
        return cls(
            {name: chance.choice(values) for name, values in {**SETTINGS, **TRACES}.items()},
            [right for right in RIGHTS if chance.random() < 0.12],
            chance.choice(("active", "active", "active", "queued", "saving", "")),
            chance.choice((0, 2, 5, 9, 10)),
            chance.random() < 0.7,
        )

    def observable(self) -> dict[str, Any]:
        """What a probe can find out of the switches with these rights, on this image."""
        lists, gets, updates, traces = (right not in self.denied for right in RIGHTS)
        cloud, on = self.cloud, self.cloud["traces_on"]
        writes = bool(self.status) and gets and updates
        takes = self.status == "active" or cloud["taggable_before_active"]
        tagged = writes and takes and self.own_tags < 10
        recorded = traces and on
        seen = {
            "unknown_image_shown": gets,
            "page_info": lists,
            "tag_separator": lists or tagged,
            "unknown_job": True,
            "batch_call": bool(self.status) and gets and (updates or not cloud["batch_call"]),
            "readable_after": tagged,
            "taggable_before_active": writes and self.status != "active" and (tagged or not takes),
            "unknown_image_tagged": writes,
            **dict.fromkeys(OF_TAGS, tagged),
            "tags_max": tagged and self.quota,
            "full_image": tagged and self.quota and cloud["tags_max"] == 10,
            "traces_on": traces and (on or lists),
            **dict.fromkeys(("trace_bodies", "trace_marker_on_last_page", "copy_resource"), recorded),
            **dict.fromkeys(("creation_trace", "first_trace_names_image"), recorded and lists),
            **dict.fromkeys(("image_id_in_trace", "job_image_id"), recorded and lists),
            "trace_tagging": recorded and tagged,
        }
        return {name: cloud[name] for name, is_seen in seen.items() if is_seen}

    def build(self, ims: Ims) -> str | None:
        """Makes the emulator this cloud, in which things have happened. The image that the probe may tag."""
        ims.reset()
        self.set_switches(ims)
        return self.happen(ims)

    def set_switches(self, ims: Ims) -> None:
        settings = {name: value for name, value in self.cloud.items() if name in SETTINGS}
        ims.settings(**settings)
        ims.trace_settings(
            on=self.cloud["traces_on"],
            bodies=self.cloud["trace_bodies"],
            marker_on_last_page=self.cloud["trace_marker_on_last_page"],
        )

    def happen(self, ims: Ims) -> str | None:
        """Images are made in several ways. The id of the one that the probe may tag."""
        ims.put_token(TOKEN, denied=list(self.denied))
        old = ims.image(
            created_at=time.time() - 7200, attributes={"name": "base-of-ada"}, tags={"env": "prod"}
        )
        ims.create("web-of-ada")
        ims.copy(old, "copy-of-ada")
        if not self.status:
            return None
        tags = {f"key-{number}": f"value-{number}" for number in range(self.own_tags)}
        return ims.image(status=self.status, attributes={"name": "probed-by-ada"}, tags=tags)


def everything_observable(seed: int, **cloud: object) -> Draw:
    """A cloud of which the probe can find out everything: an image that takes tags before it is active."""
    always = {"taggable_before_active": True, "traces_on": True, "tags_max": 10}
    return Draw({**Draw.by_chance(seed).cloud, **always, **cloud}, status="queued")


class VirtualTime:
    """Time that passes only when the probe waits, here and in the emulator at this address.

    The probe waits before each call. ends_at: the number of the wait at which this process gets a signal.
    """

    def __init__(self, url: str, ends_at: int = 0, by: int = signal.SIGKILL) -> None:
        self._url = url
        self._ends_at = ends_at
        self._by = by
        self._session = requests.Session()
        self.waits = 0
        self.now = 0.0

    def wait(self, seconds: float) -> None:
        self.waits += 1
        if self.waits == self._ends_at:
            os.kill(os.getpid(), self._by)
        if seconds:
            self.now += seconds
            settings = {"clock_ahead": self.now}
            self._session.put(f"{self._url}/_emulator/settings", json=settings, timeout=10).raise_for_status()

    def clock(self) -> float:
        return self.now


class Probed(NamedTuple):
    code: int
    data: dict[str, Any]
    profile: dict[str, Any]


def run_probe(
    url: str,
    path: Path,
    image_id: str | None,
    *,
    quota: bool = False,
    skip: Sequence[str] = (),
    virtual: VirtualTime | None = None,
) -> Probed:
    """Runs the probe in virtual time. path: of the profile."""
    asked = argparse.Namespace(
        image=image_id, quota=quota, skip=list(skip), yes=True, json=True, profile=path
    )
    environ = {"IMS_ENDPOINT": url, "CTS_ENDPOINT": url, "OS_TOKEN": TOKEN, "PROJECTS": Ims.project_id}
    virtual = virtual or VirtualTime(url)
    with redirect_stderr(io.StringIO()):
        report = probe(asked, environ, virtual.wait, virtual.clock)
    assert isinstance(report.code, int)
    return Probed(report.code, report.data, report.data["profile"])


def end_probe(ims: Ims, path: Path, image_id: str, ends_at: int, by: signal.Signals) -> int:
    """Runs the probe in a process of its own, which gets a signal at a wait. The process's exit code."""
    command = [sys.executable, "-m", __name__, ims.url, str(path), image_id, f"{ends_at}", f"{by:d}"]
    return subprocess.run(command, cwd=ROOT, stderr=subprocess.DEVNULL, timeout=60, check=False).returncode


if __name__ == "__main__":
    url_, path_, image_, *numbers_ = sys.argv[1:]
    run_probe(url_, Path(path_), image_, quota=True, virtual=VirtualTime(url_, *map(int, numbers_)))
