"""The shell of the tests of commands, without services and with both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.shell import Shell
from theo_mcp.testing import getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.theo import FakeTheo


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Shell:
    return Shell(tmp_path, monkeypatch, capfdbinary)


@pytest.fixture
def hosted(shell: Shell, theo_service: FakeTheo, getcode_service: FakeGetCode) -> Shell:
    shell.environment |= {
        "THEO_API_KEY": theo.KEY,
        "THEO_BASE_URL": theo_service.origin,
        "GETCODE_API_KEY": getcode.KEY,
        "GETCODE_BASE_URL": getcode_service.origin,
    }
    return shell
