"""How a start ends that must not serve, asked of the file that the framework loads, without its process."""

import os
from collections.abc import Callable

import pytest

import main

RefusedStart = Callable[[dict[str, str]], tuple[object, str]]


@pytest.fixture
def refused_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RefusedStart:
    """Takes the environment, and gives the exit code and whatever was written."""

    def start(environ: dict[str, str]) -> tuple[object, str]:
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", environ)
            with pytest.raises(SystemExit) as ended:
                main.__getattr__("tag_created_image")
        written = capsys.readouterr()
        return ended.value.code, written.out + written.err

    return start
