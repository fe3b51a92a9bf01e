"""The environment of `deploy/local/up` and `tests/run`: how it is made, and what can be in the way."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.processes.terminal import on_terminal
from tests.support.paths import ROOT

MAKE = f'. "{ROOT}/deploy/local/environment.sh"; environment requirements.txt'
NEEDS_PYTHON = "CPython 3.11 or newer is needed; set PYTHON to one.\n"
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""What makes root keep to the rights of a file, as everybody else has to."""


def made(
    checkout: Path, python: str = sys.executable, command: Sequence[str] = ("bash", "-c", MAKE)
) -> subprocess.CompletedProcess[str]:
    """What making the environment of a checkout comes to."""
    return subprocess.run(
        [*BOUND, *command],
        env={"PATH": os.environ["PATH"], "PYTHON": python},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("python", ["false", "/nowhere"])
def test_python_is_too_old(tmp_path: Path, python: str) -> None:
    """A sentence says which Python is needed, and nothing is made."""
    ended = made(tmp_path, python)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", NEEDS_PYTHON)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment that was made in another folder."""
    script = tmp_path / ".venv" / "bin" / "pip"
    script.parent.mkdir(parents=True)
    script.write_text("#!/elsewhere/.venv/bin/python")
    script.chmod(0o700)
    return tmp_path / ".venv"


def test_checkout_was_moved(venv: Path) -> None:
    """The commands in an environment name its folder, so it has to be made again."""
    before = sorted(venv.rglob("*"))
    ended = made(venv.parent)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "The environment in .venv/ is of another folder or an older Python; remove it and try again.\n"
    )
    assert sorted(venv.rglob("*")) == before


@pytest.mark.parametrize("mode", [0o555, 0o000], ids=["readable", "not readable"])
def test_environment_of_somebody_else(venv: Path, mode: int) -> None:
    """The sentence names the owner."""
    if BOUND:
        os.chown(venv, 65_534, 65_534)
    venv.chmod(mode)
    ended = made(venv.parent)
    venv.chmod(0o755)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f".venv/ belongs to {venv.owner()}, and you may not change it;"
        " remove it, or use another copy of the checkout.\n"
    )


def test_checkout_is_read_only(tmp_path: Path) -> None:
    """Nothing can be installed there, whatever package of the system there is."""
    tmp_path.chmod(0o555)
    ended = made(tmp_path)
    tmp_path.chmod(0o755)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"{tmp_path} cannot be written to, and .venv/ is made there;"
        " copy the checkout to a folder of yours.\n"
    )


@pytest.mark.parametrize("script", ["deploy/local/up", "tests/run"])
def test_called_by_a_link(tmp_path: Path, script: str) -> None:
    """The checkout is where the script is, and not where a link to it is."""
    for name in (script, "deploy/local/environment.sh"):
        (tmp_path / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "checkout" / name)
    (tmp_path / "link").symlink_to(tmp_path / "checkout" / script)
    ended = made(tmp_path, "false", [str(tmp_path / "link")])
    assert (ended.returncode, ended.stderr) == (1, NEEDS_PYTHON)


def test_environment_is_made(tmp_path: Path) -> None:
    """What takes long is announced, and on a terminal pip shows how far it is. It is made once."""
    wheel = tmp_path / "thing-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as content:
        content.writestr("thing-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1\n")
        content.writestr("thing-1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        content.writestr("thing-1.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"thing @ {wheel.as_uri()} --hash=sha256:{digest}\n")
    make = ["bash", "-c", f'cd "{tmp_path}"; {MAKE}']

    seen = on_terminal(*make, PYTHON=sys.executable)
    assert seen.startswith(
        "Making the environment in .venv/ ...\nInstalling requirements.txt into .venv/ ...\n"
    )
    assert "Processing " in seen
    assert "Successfully installed thing-1" in seen

    lock.write_text(f"# changed\n{lock.read_text()}")
    assert made(tmp_path).stdout == "Installing requirements.txt into .venv/ ...\n"
    tmp_path.chmod(0o555)
    again = made(tmp_path)
    tmp_path.chmod(0o755)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
