"""The units for systemd: whether it knows their lines, and what it leaves a process to do."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

UNITS = {unit.stem: unit for unit in sorted((ROOT / "deploy").rglob("*.service"))}

EXPOSURE = 2.0

HARDENING = [
    "DynamicUser=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateUsers=yes",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @resources",
    "UMask=0077",
]
"""What the exposure was reached with, for where no systemd judges it."""


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
def test_lines(unit: Path, tmp_path: Path) -> None:
    """Systemd knows every line of a unit."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is needed to verify units")
    copy = tmp_path / unit.name
    text = re.sub("ExecStart=/[^ ]*", f"ExecStart={sys.executable}", unit.read_text(encoding="utf-8"))
    copy.write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(copy)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
def test_exposure(unit: Path) -> None:
    """A unit has every line that hardens it; where systemd judges units, its exposure is 2.0 at the most."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    assert [line for line in HARDENING if line not in lines] == []
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        level = re.search(r"exposure level for \S+: ([\d.]+)", ran.stdout)
        assert level
        assert float(level[1]) <= EXPOSURE


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
def test_restart(unit: Path) -> None:
    """A unit is started again after any failure but a wrong setting, which ends it with status 2."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    assert {"Restart=always", "RestartPreventExitStatus=2"} <= {*lines}
