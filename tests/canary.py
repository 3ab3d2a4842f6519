"""``python -m tests.canary``: runs the default tests and looks for the services' keys in every byte that they produced.

That is what pytest prints with all captured output and log records down to DEBUG, and every file that is left in the
tests' temporary folders (stores, settings, caches, reports). The keys stand in those files alone that a test wrote them
into, which are named here.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from theo_mcp.testing import getcode, theo

CANARIES = (theo.KEY, getcode.KEY)
_WRITTEN_BY_TESTS = ("config.toml", "key.txt", "theo.key", "getcode.key")
_LIMIT_S = 600


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.txt")
        command = [
            sys.executable, "-m", "pytest", "-n", "2", "--dist", "worksteal", "-rA", "-vv", "--log-level=DEBUG",
            f"--basetemp={Path(folder, 'tmp')}", "-o", "tmp_path_retention_policy=all",
        ]  # fmt: skip
        with report.open("wb") as out:
            done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, timeout=_LIMIT_S, check=False)
        files = [path for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()]
        found = [line for path in files for line in _found(path, Path(folder))]
        size = sum(path.stat().st_size for path in files)
        told = report.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        failed = [line for line in told if line.startswith(("FAILED ", "ERROR ")) and "::" in line]
    last = f"{len(files)} files, {size / 1e6:.1f} MB searched; tests: {told[-1]}\n"
    sys.stdout.write("\n".join([*found, *failed, last]))
    sys.stdout.write(f"{len(found)} places hold a canary key\n")
    return 1 if found or done.returncode else 0


def _found(path: Path, folder: Path) -> Iterator[str]:
    if path.name in _WRITTEN_BY_TESTS:
        return
    data = path.read_bytes()
    for canary in CANARIES:
        at = data.find(canary.encode())
        while at >= 0:
            around = data[max(0, at - 120) : at + len(canary) + 40]
            yield f"{path.relative_to(folder)} at {at}: {around!r}"
            at = data.find(canary.encode(), at + 1)


if __name__ == "__main__":
    sys.exit(main())
