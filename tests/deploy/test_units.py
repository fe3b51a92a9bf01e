"""The units for systemd: whether it knows their lines, and what it leaves a process to do."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import certifi
import pytest

from deploy.nats.settings import Settings as SubscriptionSettings
from handlers.edges.settings import EcsAgency, Settings, StaticKeys, empty, misspelt
from tests.support.paths import ROOT
from tests.support.settings_read import READ

UNITS = {unit.stem: unit for unit in sorted((ROOT / "deploy").rglob("*.service"))}

SERVICES = {
    name: unit for name, unit in UNITS.items() if "Type=oneshot" not in unit.read_text(encoding="utf-8")
}
"""Those that run for ever."""

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


def values_of(unit: Path) -> dict[str, list[str]]:
    """The values of each name in a unit."""
    text = unit.read_text(encoding="utf-8").replace("\\\n", " ")
    values: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", text, re.MULTILINE):
        values.setdefault(name, []).append(" ".join(value.split()))
    return values


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())
def test_lines(unit: Path, tmp_path: Path) -> None:
    """Systemd knows every line of a unit."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is needed to verify units")
    copy = tmp_path / unit.name
    text = re.sub("ExecStart=-?/[^ ]*", f"ExecStart={sys.executable}", unit.read_text(encoding="utf-8"))
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


MISSING = {"200", "203", "243"}
"""Statuses of a process for which the folder, the program or the secrets are missing (systemd.exec(5))."""


@pytest.mark.parametrize("unit", SERVICES.values(), ids=SERVICES.keys())
def test_restart(unit: Path) -> None:
    """A unit is started again after any failure but one that does not mend itself, such as a wrong setting.

    Where a wrong setting ends it in the same way as an outage, systemd gives up after some time.
    """
    lines = values_of(unit)
    assert lines["Restart"] == ["always"]
    prevented = {*lines["RestartPreventExitStatus"][0].split()}
    assert prevented >= MISSING
    if "2" not in prevented:
        (interval,), (burst,), (pause,) = (
            lines[name] for name in ("StartLimitIntervalSec", "StartLimitBurst", "RestartSec")
        )
        assert int(burst) * int(pause) < int(interval)
    # Systemd itself reads the file, and would start the unit again and again without it.
    assert all(file.startswith("-") for file in lines.get("EnvironmentFile", []))


# -- the examples of settings -----------------------------------------------------------------------

SECRETS = {
    "function": {"access-key", "secret-key", "events-token"},
    "replay": {"access-key", "secret-key", "events-token"},
    "subscription": {"nats.creds", "ca.pem", "events-token"},
}
"""Files of the folders from which units get their secrets."""


def environ_of(unit: Path, folder: Path, alternative: str = "") -> dict[str, str]:
    """What a process of the unit finds, with the settings of the example and secrets in a folder.

    alternative: begins the comment above the lines to use in place of those above it.
    """
    lines = values_of(unit)
    ((name, source),) = (each.split(":") for each in lines["LoadCredential"])
    assert source == f"/etc/image-tagger/{Path(source).name}"
    for secret in SECRETS[Path(source).name]:
        (folder / f"{name}_{secret}").write_text("secret\n")
    own = [pair for line in lines.get("Environment", []) for pair in line.split()]
    example = unit.parent / f"{Path(lines['EnvironmentFile'][0]).name}.example"
    environ = dict(pair.split("=", 1) for pair in [*own, *settings_in(example, alternative)])
    return {
        name: value.replace("%d", str(folder)).replace(f"/run/credentials/{unit.name}", str(folder))
        for name, value in environ.items()
    }


def settings_in(example: Path, alternative: str) -> list[str]:
    """The settings of an example, with one of its alternatives instead of the paragraph before it."""
    paragraphs = [each.splitlines() for each in example.read_text(encoding="utf-8").split("\n\n")]
    for number, paragraph in enumerate(paragraphs):
        if alternative and paragraph[0].startswith(f"# {alternative}"):
            paragraphs[number - 1] = []
            paragraphs[number] = [re.sub("^#(?=[A-Z])", "", line) for line in paragraph]
    return [line for paragraph in paragraphs for line in paragraph if not line.startswith("#")]


@pytest.mark.parametrize("alternative", ["", "Or the agency of this machine"], ids=["keys", "ecs"])
@pytest.mark.parametrize("name", ["image-tagger", "image-tagger-replay", "image-tagger-backfill"])
def test_settings_of_a_unit(tmp_path: Path, name: str, alternative: str) -> None:
    """The example has all settings that are required, and each of its ways of authentication is whole."""
    environ = environ_of(UNITS[name], tmp_path, alternative)
    (tmp_path / "letters").touch()
    environ |= {"DEAD_LETTER_SINK": f"file://{tmp_path}/letters"} if "DEAD_LETTER_SINK" in environ else {}
    read = Settings.from_environ(environ)
    assert isinstance(read.credentials, EcsAgency if alternative else StaticKeys)
    assert read.projects
    assert [*empty(environ), *misspelt(environ)] == []
    assert not {*environ} - {*READ, "HOST", "PORT", "THREADS", "TO", "OPTIONS"}


@pytest.mark.parametrize("alternative", ["", "Or three servers"], ids=["one server", "three servers"])
def test_settings_of_the_subscription(tmp_path: Path, alternative: str) -> None:
    """The example has all settings for one server on this host, and for a cluster with credentials."""
    unit = UNITS["image-tagger-subscription"]
    environ = environ_of(unit, tmp_path, alternative)
    shutil.copy(certifi.where(), tmp_path / "secrets_ca.pem")
    (tmp_path / "secrets_nats.creds").write_text("-----BEGIN NATS USER JWT-----\n")
    read = SubscriptionSettings.from_environ(environ)
    assert len(read.nats_urls) == (3 if alternative else 1)


@pytest.mark.parametrize("alternative", ["", "Or a bus"], ids=["function", "bus"])
@pytest.mark.parametrize("name", ["image-tagger-replay", "image-tagger-backfill"])
def test_commands_of_units(tmp_path: Path, name: str, alternative: str) -> None:
    """The command line of a unit, with what the example sets, is one that the commands take."""
    environ = environ_of(UNITS[name], tmp_path, alternative) | {"STATE_DIRECTORY": str(tmp_path)}
    for start in values_of(UNITS[name])["ExecStart"]:
        line = start.removeprefix("-").replace("$OPTIONS", environ.get("OPTIONS", ""))
        line = re.sub(r"\$\{(\w+)\}", lambda found: environ[found[1]], line)
        program, script, *arguments = line.split()
        assert (program, script) == ("/opt/image-tagger/.venv/bin/python", "main.py")
        ran = subprocess.run(
            [sys.executable, str(ROOT / script), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={},
        )
        assert ran.stderr.startswith("error: IMS_ENDPOINT is not set; ")


def test_timer() -> None:
    """The timer starts the unit of its name, each night."""
    timer = ROOT / "deploy" / "replay" / "image-tagger-backfill.timer"
    assert timer.stem in UNITS
    (when,) = values_of(timer)["OnCalendar"]
    if shutil.which("systemd-analyze"):
        subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, check=True)
