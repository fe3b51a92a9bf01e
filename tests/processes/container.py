"""A container without an engine: the steps and the command of a Dockerfile, in a root file system of its own.

The steps are followed as written, with two stand-ins. The base image is this machine's system and its Python.
`pip install` copies what this environment has of the lock, and nothing else: a package that the lock lacks is
missing here as it would be there. It takes root and Linux namespaces; `unavailable` says what is missing.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.support.paths import ROOT

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
SYSTEM = ("bin", "etc", "lib", "lib64", "sbin", "usr")

ENTER = """
set -e
root=$1 access=$2 user=$3 base=$4 folder=$5; shift 5
mount --rbind "$root" "$root"
for each in {system}; do
    if [ -d "$root/$each" ] && [ ! -L "$root/$each" ]; then mount --rbind "/$each" "$root/$each"; fi
done
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
[ -e "$root$base/bin" ] || mount --rbind "$base" "$root$base"
mount -o "remount,bind,$access" "$root"
exec chroot --userspec="$user" --groups="" "$root" /usr/bin/env --chdir="$folder" "$@"
""".format(system=" ".join(SYSTEM))
"""Every step replaces the one before, so that a signal to the process reaches the command itself."""


def unavailable() -> str | None:
    """Why no container can run here, or None."""
    if os.geteuid() != 0:
        return "root is needed to run as another user in another root file system"
    if not shutil.which("unshare"):
        return "unshare (util-linux) is needed"
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-o", "remount,bind,ro", "/"], capture_output=True, check=False
    )
    return f"mounting is not allowed here: {tried.stderr.decode().strip()}" if tried.returncode else None


def instructions(dockerfile: Path) -> Iterator[tuple[str, str]]:
    """The instructions in order, continued lines joined: ("RUN", "pip install ...")."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name, rest.strip()


class Image:
    """What a Dockerfile builds. folder: empty, and the image's as long as it is needed."""

    def __init__(self, dockerfile: Path, folder: Path) -> None:
        self.root = folder / "root"
        self.environ = {"PATH": "/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.user = "0:0"
        self.folder = "/"
        self.command: list[str] = []
        for instruction, rest in instructions(dockerfile):
            self._follow(instruction, rest)

    def start(self, *command: str, **settings: str) -> "subprocess.Popen[str]":
        """Runs the command, or another one, on a root file system that cannot be written to."""
        return self._enter(list(command) or self.command, "ro", self.user, settings)

    def _enter(
        self, command: list[str], access: str, user: str, settings: Mapping[str, str]
    ) -> "subprocess.Popen[str]":
        inside = [str(self.root), access, user, sys.base_prefix, self.folder, *command]
        return subprocess.Popen(
            [str(shutil.which("unshare")), "--mount", "/bin/sh", "-c", ENTER, "sh", *inside],
            env={**self.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _follow(self, instruction: str, rest: str) -> None:
        match instruction:
            case "FROM":
                assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", rest), rest
                self._make_root()
            case "ENV":
                self.environ |= dict(setting.split("=", 1) for setting in shlex.split(rest))
            case "WORKDIR":
                self.folder = rest
                self._path(rest).mkdir(parents=True)
            case "COPY":
                *sources, target = rest.split()
                self._copy(sources, target)
            case "RUN" if rest.startswith("pip install "):
                self._install(self._path(rest.split("--requirement ")[1]))
            case "RUN":
                step = self._enter(["sh", "-c", rest], "rw", self.user, {})
                output, _ = step.communicate(timeout=30)
                assert step.returncode == 0, output
            case "USER":
                self.user = rest
            case "CMD":
                self.command = json.loads(rest)
            case _:
                raise AssertionError(f"these tests do not know the instruction {instruction}")

    def _path(self, inside: str) -> Path:
        return self.root / str(Path(self.folder, inside)).lstrip("/")

    def _make_root(self) -> None:
        for name in ("dev", "proc", "tmp", "venv/bin"):
            (self.root / name).mkdir(parents=True)
        self.root.chmod(0o755)
        for name in SYSTEM:
            here = Path("/", name)
            if here.is_symlink():
                (self.root / name).symlink_to(here.readlink())
            elif here.is_dir():
                (self.root / name).mkdir()
        # Where it is here: a Python may find its own library by no other path.
        self._path(sys.base_prefix).mkdir(parents=True, exist_ok=True)
        # Without the second line the packages of this machine's own Python would be there too.
        settings = f"home = {sys.base_prefix}/bin\ninclude-system-site-packages = false\n"
        (self.root / "venv/pyvenv.cfg").write_text(settings)
        for name in ("python", PYTHON):
            (self.root / "venv/bin" / name).symlink_to(f"{sys.base_prefix}/bin/{PYTHON}")

    def _copy(self, sources: list[str], target: str) -> None:
        for source in sources:
            files = [path for path in sorted(ROOT.glob(source)) if path.is_file()]
            files += [path for path in sorted((ROOT / source).rglob("*")) if path.is_file()]
            files = [path for path in files if not ignored(path.relative_to(ROOT).as_posix())]
            assert files, f"COPY {source} finds nothing that .dockerignore lets through"
            for path in files:
                within = path.relative_to(ROOT / source) if (ROOT / source).is_dir() else Path(path.name)
                to = self._path(target) / within
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, to)

    def _install(self, lock: Path) -> None:
        text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [line.partition("--hash")[0] for line in text.splitlines()]
        wanted = [Requirement(line) for line in lines if line.strip() and not line.strip().startswith("#")]
        for requirement in wanted:
            if requirement.marker is None or requirement.marker.evaluate():
                self._install_one(requirement)

    def _install_one(self, requirement: Requirement) -> None:
        package = distribution(requirement.name)
        assert package.version in requirement.specifier, f"{requirement} is wanted, {package.version} is here"
        packages = self.root / "venv/lib" / PYTHON / "site-packages"
        for file in package.files or []:
            to = Path(os.path.normpath(packages / file))
            to.parent.mkdir(parents=True, exist_ok=True)
            content = Path(str(file.locate())).read_bytes()
            if to.parent.name == "bin":
                content = re.sub(rb"\A#!.*", b"#!/venv/bin/python", content)
            to.write_bytes(content)
            to.chmod(0o755 if to.parent.name == "bin" else 0o644)


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path out of the build (Docker, "Build context")."""
    left_out = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!").strip("/")
        if not pattern or pattern.startswith("#"):
            continue
        expression = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        # A folder that matches takes everything in it along.
        if re.fullmatch(f"{expression}(/.*)?", path):
            left_out = not line.startswith("!")
    return left_out
