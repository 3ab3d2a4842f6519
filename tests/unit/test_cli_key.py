"""Keys in the keyring of the system."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.shell import Shell
from theo_mcp.testing import theo
from theo_mcp.testing.theo import FakeTheo

pytestmark = pytest.mark.slow


@pytest.fixture
def keyring(shell: Shell, tmp_path: Path, theo_service: FakeTheo) -> Shell:
    shell.environment |= {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHON_KEYRING_BACKEND": "tests.unit.file_keyring.FileKeyring",
        "TEST_KEYRING": str(tmp_path / "keyring.json"),
        "THEO_BASE_URL": theo_service.origin,
        "THEO_MCP_KEYRING": "true",
    }
    return shell


async def test_a_key_that_is_kept_is_used_and_shown_nowhere(keyring: Shell, theo_service: FakeTheo) -> None:
    kept = await keyring.process("key", "set", "theo", stdin=theo.KEY.encode() + b"\n")
    used = await keyring.process("complete", "x", "--json")
    shown = await keyring.process("config", "show", "--origin")
    known = await keyring.process("key", "list")

    assert kept.stdout == b"The key for theo is kept in this system's keyring.\n"
    assert json.loads(used.stdout)["status"] == "done", used.stderr
    assert theo_service.requests[-1].headers["authorization"] == f"Bearer {theo.KEY}"
    assert known.stdout == b"theo: kept\ngetcode: -\nengine: -\n"
    assert theo.KEY.encode() not in b"".join([kept.stderr, used.stderr, shown.stdout, shown.stderr, known.stdout])


async def test_a_key_that_is_removed_is_gone_and_a_wrong_one_is_not_kept(keyring: Shell, tmp_path: Path) -> None:
    wrong = await keyring.process("key", "set", "theo", stdin=b"Bearer theo_sk_1234")
    await keyring.process("key", "set", "getcode", stdin=b"gc_0123456789")
    removed = await keyring.process("key", "remove", "getcode")
    again = await keyring.process("key", "remove", "getcode")

    assert wrong.returncode != 0
    assert b"begins with 'Bearer'" in wrong.stderr
    assert removed.stdout == b"The key for getcode is removed.\n"
    assert again.stdout == b"No key for getcode was kept.\n"
    assert json.loads((tmp_path / "keyring.json").read_text()) == {}


async def test_a_keyring_that_does_not_open_is_told_and_none_of_its_words(keyring: Shell) -> None:
    keyring.environment["PYTHON_KEYRING_BACKEND"] = "tests.unit.file_keyring.LockedKeyring"

    done = await keyring.process("complete", "x")

    assert done.returncode != 0
    assert b"The system's keyring could not be used (RuntimeError)." in done.stderr
    assert b"Unlock it, or set the key in the environment or in a file" in done.stderr
    assert b"somebody_else" not in done.stderr


async def test_a_keyring_is_not_asked_unless_the_user_says_so(keyring: Shell) -> None:
    del keyring.environment["THEO_MCP_KEYRING"]

    kept = await keyring.process("key", "set", "theo", stdin=theo.KEY.encode())
    used = await keyring.process("complete", "x")

    assert b"It is used once the setting keyring is on" in kept.stderr
    assert b"No model is installed" in used.stderr
