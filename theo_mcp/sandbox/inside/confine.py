"""What a sandbox's child gives up before it reads anything hostile: limits, files, network, processes, capabilities.

Limits are demanded where the platform has them. The rest is the kernel's own sandboxing, taken where it is there:
Landlock (Linux 5.13) for files, seccomp for sockets, processes and signals. Each lasts until the process ends.
"""

from __future__ import annotations

import os
import sys

if sys.platform != "win32":
    import _signal
    import resource
    import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from io import BufferedReader
    from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 36, 38, 22
_SECCOMP_MODE_FILTER = 2
_CAPABILITIES_VERSION = 0x20080522
_CAP_DAC_READ_SEARCH = 1 << 2  # kept, for a server run by root out of another user's folder
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = (1 << bit for bit in range(4))
_CHANGE = sum(1 << bit for bit in (4, 5, 7, 8, 10, 12))  # remove and make folders, files, pipes and symlinks
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
ENDED_IDLE = 75
THREADS = "threads"
"""Said instead of what could be in force, had the imports not started threads before."""


def limit(limits: dict[str, Any], jobs: int) -> None:
    """Before the first import: what this process may use in all its life."""
    if sys.platform == "win32":
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_FSIZE, limits["file_bytes"])
    _lower(resource.RLIMIT_NOFILE, limits["open_files"])
    _lower(resource.RLIMIT_CPU, int(limits["cpu_seconds"] * jobs) + 60)
    if sys.platform == "linux":  # macOS takes the value and does not heed it
        _lower(resource.RLIMIT_AS, limits["memory_bytes"] + limits["reserve_bytes"])
        _lower(resource.RLIMIT_DATA, limits["memory_bytes"])


def _lower(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def begin(limits: dict[str, Any], grace: float) -> None:
    """Before each job: the processor time counts over the whole life of a process, so the mark moves on.

    The alarm's default is to end the process, also one that hangs in C and whose parent was killed.
    """
    os.umask(0o077)  # not before: what an import compiles is for everybody
    if sys.platform != "win32":
        for number in (_signal.SIGALRM, _signal.SIGXCPU):  # the job before may have changed it
            _signal.signal(number, _signal.SIG_DFL)
        used = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        soft = int(used.ru_utime + used.ru_stime + limits["cpu_seconds"]) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (min(soft, hard), hard))
        _signal.setitimer(_signal.ITIMER_REAL, limits["seconds"] + grace)


def pause() -> None:
    if sys.platform != "win32":
        _signal.setitimer(_signal.ITIMER_REAL, 0)


def wait(orders: BufferedReader, seconds: float) -> None:
    """Until there is an order; a child that is idle for too long ends."""
    if sys.platform != "win32" and not select.select([orders], [], [], seconds)[0]:
        os._exit(ENDED_IDLE)


def resident() -> int:
    """The bytes of memory in use; on macOS the most there ever were, on Windows 0."""
    if sys.platform == "linux":
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    if sys.platform != "win32":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 0


def confine(start: dict[str, Any]) -> list[str]:
    """Gives up what it can for good, and says in words what is now in force."""
    os.chdir(start["folder"])
    words = [] if sys.platform == "win32" else ["limits"]
    processes = start["limits"]["processes"]
    if sys.platform == "darwin":
        _lower(resource.RLIMIT_NPROC, max(1, processes))
    if sys.platform != "linux":
        return words
    import ctypes

    libc = ctypes.CDLL(None)
    _prctl(libc, _PR_SET_PDEATHSIG, 9)
    if os.getppid() != start["parent"]:  # it went before the line above
        os._exit(0)
    _prctl(libc, _PR_SET_CHILD_SUBREAPER, 1)  # so that no descendant gets away from below this process
    if processes:
        _lower(resource.RLIMIT_NPROC, _tasks() + processes)
    if not _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1):
        return words
    if len(os.listdir("/proc/self/task")) > 1:  # what follows would bind only the thread that asks for it
        return [*words, THREADS]
    _drop_capabilities(libc)
    if _landlock(libc, start["folder"], start["readable"], start["listable"]):
        words.append("files")
    if start["filter"] and _filter(libc, start["filter"]):
        words += ["network"] if processes else ["network", "processes"]
    return words


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> bool:
    import ctypes

    nothing = ctypes.c_ulong(0)
    return bool(libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), nothing, nothing, nothing) == 0)


def _tasks() -> int:
    """How many processes and threads this user has: the limit counts them all."""
    count = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == os.getuid():
                    count += len(os.listdir(f"/proc/{name}/task"))
            except OSError:
                continue
    return count


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """So that root cannot lift the limits again or write where the owner may not."""
    words = [0] * 6  # effective, permitted, inheritable: the low halves, then the high ones
    held = _words(*words)
    head = _words(_CAPABILITIES_VERSION, 0)
    if libc.capget(head, held) == 0:
        keep = int.from_bytes(held[4:8], sys.byteorder) & _CAP_DAC_READ_SEARCH
        libc.capset(head, _words(keep, keep, 0, 0, 0, 0))


def _words(*words: int) -> Any:
    import ctypes

    return ctypes.create_string_buffer(b"".join(word.to_bytes(4, sys.byteorder) for word in words), 4 * len(words))


def _landlock(libc: ctypes.CDLL, folder: str, readable: list[str], listable: list[str]) -> bool:
    """Reads only from `readable`, lists names also in `listable`, writes only in `folder`."""
    import ctypes

    def call(number: int, *arguments: object) -> int:
        return int(libc.syscall(ctypes.c_long(number), *arguments))

    version = call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        return False
    handled = _handled(version)
    attributes = handled.to_bytes(8, sys.byteorder)
    if version >= 6:  # neither TCP by these means, nor sockets and signals that reach outside
        attributes += (3).to_bytes(8, sys.byteorder) + (3).to_bytes(8, sys.byteorder)
    rules = call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if rules < 0:
        return False
    read = _EXECUTE | _READ_FILE | _READ_DIR
    allowed = [(path, read) for path in readable] + [(path, _READ_DIR) for path in listable]
    allowed += [
        (folder, read | _WRITE_FILE | _CHANGE | _REFER | _TRUNCATE),
        (os.devnull, read | _WRITE_FILE | _TRUNCATE),
    ]
    try:
        for path, rights in allowed:
            try:
                at = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            if not os.path.isdir(path):
                rights &= _ON_FILES
            rule = (rights & handled).to_bytes(8, sys.byteorder) + at.to_bytes(4, sys.byteorder)
            done = call(_ADD_RULE, ctypes.c_int(rules), ctypes.c_int(1), rule, ctypes.c_uint32(0))
            os.close(at)
            if done != 0 and path == folder:
                return False
        return call(_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0)) == 0
    finally:
        os.close(rules)


def _handled(version: int) -> int:
    """Every right over files that this version of Landlock knows."""
    bits = {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)
    return (1 << bits) - 1


def _filter(libc: ctypes.CDLL, program: bytes) -> bool:
    """`program` is made by `theo_mcp.sandbox.syscalls`."""
    import ctypes

    code = ctypes.create_string_buffer(program, len(program))
    head = (len(program) // 8).to_bytes(8, sys.byteorder) + ctypes.addressof(code).to_bytes(8, sys.byteorder)
    return bool(libc.prctl(ctypes.c_int(_PR_SET_SECCOMP), ctypes.c_ulong(_SECCOMP_MODE_FILTER), head) == 0)
