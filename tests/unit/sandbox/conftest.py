"""The fixture that every test of the sandbox begins with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.sandbox.opened import OpenSandbox


@pytest.fixture
def open_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenSandbox:
    return OpenSandbox(tmp_path, monkeypatch)
