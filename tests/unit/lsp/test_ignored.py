"""Files that are never read: by git's rules, by ``.aiignore``, and because they are keys."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from theo_lsp.prompt.ignored import why_ignored
from theo_mcp.workspace.deny import Deny


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".git" / "info").mkdir(parents=True)
    return folder


@pytest.fixture
def deny(make_settings: MakeSettings) -> Deny:
    return Deny.of(make_settings())


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


GIT = {
    ".gitignore": "# comment\n*.log\n!keep.log\nbuild/\n/top.txt\n**/cache/*.bin\n\\#odd\nnode_modules\n!\n[z-\n",
    "src/.gitignore": "!debug.log\n*.tmp\n/only_here\n",
    "build/.gitignore": "!*\n",
}
PATHS = [
    "a.log", "keep.log", "src/a.log", "src/debug.log", "src/deep/debug.log", "build/x.c", "build/keep.log",
    "src/build/y", "top.txt", "src/top.txt", "src/cache/a.bin", "src/cache/a.txt", "#odd", "src/x.tmp",
    "x.tmp", "src/only_here", "src/deep/only_here", "node_modules/a/b.js", "main.py",
]  # fmt: skip


def test_patterns_mean_what_they_mean_to_git(root: Path, deny: Deny) -> None:
    _write(root, GIT)
    environment = {"PATH": os.defpath, "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True, env=environment)
    asked = "\0".join(PATHS).encode()
    command = ["git", "check-ignore", "--stdin", "-z", "--no-index"]
    said = subprocess.run(command, input=asked, cwd=root, env=environment, capture_output=True, check=True).stdout

    ignored = [path for path in PATHS if why_ignored(root / path, root, deny)]

    assert ignored == said.decode().split("\0")[:-1]
    assert ignored == [
        "a.log", "src/a.log", "build/x.c", "build/keep.log", "src/build/y", "top.txt", "src/cache/a.bin", "#odd",
        "src/x.tmp", "src/only_here", "node_modules/a/b.js",
    ]  # fmt: skip


def test_an_aiignore_is_heard_and_takes_nothing_back_from_git(root: Path, deny: Deny) -> None:
    _write(root, {".gitignore": "*.log\n", ".aiignore": "!*.log\nprivate/\n", ".git/info/exclude": "mine.txt\n"})

    assert why_ignored(root / "a.log", root, deny) == ".gitignore names it"
    assert why_ignored(root / "private" / "a.py", root, deny) == ".aiignore names it"
    assert why_ignored(root / "mine.txt", root, deny) == ".git/info/exclude names it"
    assert why_ignored(root / "a.py", root, deny) is None


def test_the_repository_around_a_workspace_folder_is_heard(root: Path, deny: Deny) -> None:
    _write(root, {".gitignore": "/part/generated\n", "part/a.py": ""})

    assert why_ignored(root / "part" / "generated" / "b.py", root / "part", deny) == ".gitignore names it"
    assert why_ignored(root / "part" / "a.py", root / "part", deny) is None


@pytest.mark.parametrize("name", [".env", ".env.local", "deploy.pem", "id_ed25519", ".npmrc", ".git/config"])
def test_keys_and_passwords_are_never_read(root: Path, deny: Deny, name: str) -> None:
    assert why_ignored(root / name, root, deny) == "it may hold keys or passwords"


def test_a_link_is_judged_by_its_name_and_by_what_it_leads_to(root: Path, deny: Deny, tmp_path: Path) -> None:
    _write(root, {"plain.txt": "", "secrets.yaml": ""})
    _write(tmp_path, {"elsewhere.txt": ""})
    (root / ".env").symlink_to("plain.txt")
    (root / "innocent.txt").symlink_to("secrets.yaml")
    (root / "out.txt").symlink_to(tmp_path / "elsewhere.txt")

    assert why_ignored(root / ".env", root, deny) == "it may hold keys or passwords"
    assert why_ignored(root / "innocent.txt", root, deny) == "it may hold keys or passwords"
    assert why_ignored(root / "out.txt", root, deny) == "it lies outside the project"


def test_patterns_that_cannot_be_read_ignore_everything_in_their_folder(root: Path, deny: Deny) -> None:
    _write(root, {"src/.gitignore": "# long\n" * 50_000})

    assert why_ignored(root / "src" / "a.py", root, deny) == ".gitignore names it"
    assert why_ignored(root / "a.py", root, deny) is None


@pytest.mark.parametrize("pattern", ["*a" * 60 + "b", "**/a/" * 60 + "b", "!" + "*a" * 60 + "b", "x*" * 2000])
def test_a_hostile_pattern_takes_no_time(root: Path, deny: Deny, pattern: str) -> None:
    _write(root, {".gitignore": f"{pattern}\n"})
    start = time.process_time()

    why_ignored(root.joinpath(*["a"] * 100, "a" * 200), root, deny)

    assert time.process_time() - start < 2
