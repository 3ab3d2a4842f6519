"""What every child of a sandbox is started with: its command, its environment, what it can import and read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio
from anyio.abc import Process

from theo_mcp import machine
from theo_mcp.sandbox import descendants, inside

_PROGRAM: Final = """
import sys
package = type(sys)("sandbox_inside")
package.__path__ = [sys.argv[1]]
sys.modules["sandbox_inside"] = package
from sandbox_inside.serve import main
main()
"""  # `theo_mcp` itself, with all that it imports, is not imported before a job wants it; `-S` and `-I` save 2 ms
_INHERITED: Final = ("SYSTEMROOT", "WINDIR", "LD_LIBRARY_PATH", "TZ", "FONTCONFIG_FILE", "FONTCONFIG_PATH")
_FIXED: Final = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "MALLOC_ARENA_MAX": "2",  # each further one takes 64 MB of the address space that is limited
    "OMP_NUM_THREADS": "1",  # a thread that starts with an import is not confined
    "OPENBLAS_NUM_THREADS": "1",
}
_SYSTEM: Final = (
    *("/usr", "/lib", "/lib32", "/lib64", "/bin", "/opt", "/nix/store", "/gnu/store", "/sys/devices/system/cpu"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/fonts", "/etc/mime.types"),
    *("/etc/localtime", "/var/cache/fontconfig", "/proc/self", "/proc/cpuinfo", "/proc/meminfo"),
    *("/dev/zero", "/dev/random", "/dev/urandom"),
)


@dataclass(frozen=True)
class Setup:
    """What all children of a sandbox have in common."""

    path: tuple[str, ...]
    readable: tuple[str, ...]
    idle_seconds: float
    jobs: int
    recycle_bytes: int
    threaded: set[tuple[str, ...]] = field(default_factory=set)
    """The modules of which it is known that importing them starts threads."""


def import_path(extra: Sequence[Path]) -> tuple[str, ...]:
    """As this process imports, except from the working directory, which may be anybody's project."""
    try:
        here: Path | None = Path.cwd()
    except OSError:  # it was removed
        here = None
    kept = [Path(path) for path in sys.path if Path(path).is_absolute()]
    ours = [str(path) for path in kept if path != here or path == _package().parent]
    return (*(str(path) for path in extra), *ours)


def readable_paths(path: Sequence[str], extra: Sequence[Path]) -> tuple[str, ...]:
    """What code and its libraries need. Of a checkout only the package, because there may be keys beside it."""
    package = _package()
    whole = [each for each in path if Path(each) != package.parent or package.parent.name.endswith("-packages")]
    interpreter = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    return (*_SYSTEM, *(interpreter - {"/"}), *whole, str(package), *(str(each) for each in extra))


async def spawn(home: Path, mark: str) -> Process:
    """A child whose home and only writable folder is `home`; `mark` finds what it starts.

    Raises:
        OSError: it cannot be started.
    """
    inherited = machine.environment(keys=False)
    work = str(home / "work")
    switches = ["-I", "-S", "-B"] if sys.dont_write_bytecode else ["-I", "-S"]
    return await anyio.open_process(
        [sys.executable, *switches, "-c", _PROGRAM, str(Path(inside.__file__).parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it may hold the document, and nobody reads it
        cwd=home,
        env={name: inherited[name] for name in _INHERITED if name in inherited}
        | _FIXED
        | {"HOME": work, "TMPDIR": work, "TEMP": work, "TMP": work, descendants.MARK: mark},
        start_new_session=sys.platform != "win32",
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _package() -> Path:
    return Path(__file__).parents[1]
