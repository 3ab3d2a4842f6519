"""The deny list, in every spelling that some file system takes for the same name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.workspace.conftest import Read, refused


@pytest.mark.parametrize(
    "path",
    [
        ".env", ".env.local", "src/.env", "prod.env", ".ENV", ".Env.", "．env", ".e\u200dnv", ".git/config", ".git",
        ".GIT/config", ".g\u200cit/config", ".ssh/known_hosts", "id_rsa", "id_rsa.pub", "id_ed25519", "deploy_rsa",
        "server.pem", "tls/SERVER.KEY", ".netrc", "_netrc", ".npmrc", ".pypirc", ".aws/credentials", "credentials",
        "credentials.js", "gcp/service-account-1.json", "secrets.yaml", ".config/gcloud/x.db",
        ".bash_history", "terraform.tfstate",
        "dump.sql", "private/a.txt", "deep/private/a.txt",
    ],
)  # fmt: skip
def test_keys_and_secrets_are_denied_in_every_spelling(try_read: Read, root: Path, path: str) -> None:
    error = refused(lambda: try_read(path, deny=["*.sql", "private/"]))

    assert error.code == "file_denied"


@pytest.mark.parametrize(
    "path", ["environment.txt", "keys.md", "git.txt", "src/key", "private.txt", "monkey", "my.environment"]
)
def test_names_that_only_resemble_a_secret_are_read(try_read: Read, root: Path, path: str) -> None:
    (root / path).write_bytes(b"x")

    assert try_read(path, deny=["*.sql", "private/"]).data == b"x"


def test_what_the_program_keeps_for_itself_is_denied(try_read: Read, root: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "store.db").write_bytes(b"x")
    (root / "mine").write_bytes(b"key")
    (root / "link").symlink_to(tmp_path / "data" / "store.db")

    assert refused(lambda: try_read("data/store.db", roots=(tmp_path,))).code == "file_denied"
    assert refused(lambda: try_read("project/link", roots=(tmp_path,))).code == "file_denied"
    assert refused(lambda: try_read("mine", theo_api_key_file=root / "mine")).code == "file_denied"


def test_a_whole_path_can_be_denied(try_read: Read, root: Path) -> None:
    error = refused(lambda: try_read("src/logo.png", deny=[f"{root}/s*"]))

    assert error.code == "file_denied"
    assert try_read("a.txt", deny=[f"{root}/s*"]).data == b"hello"
