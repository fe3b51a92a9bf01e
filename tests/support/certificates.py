"""Self-signed certificates as fixtures: `certificates`, and `certificate` for this address."""

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """With their keys: `own` for this address, `other` for another name. Beside NAME.pem, NAME.crt is to be
    trusted.
    """
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the command openssl")
    folder = tmp_path_factory.mktemp("certificates")
    for name, subject in (("own", "IP:127.0.0.1"), ("other", "DNS:other.invalid")):
        order = (
            f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
            f" -subj /CN={name} -addext subjectAltName={subject}"
            f" -keyout {folder / name}.pem -out {folder / name}.crt"
        )
        subprocess.run(order.split(), check=True, capture_output=True)
        with (folder / f"{name}.pem").open("ab") as both:
            both.write((folder / f"{name}.crt").read_bytes())
    return {name: folder / f"{name}.pem" for name in ("own", "other")}


@pytest.fixture(scope="session")
def certificate(certificates: dict[str, Path]) -> Path:
    return certificates["own"]
