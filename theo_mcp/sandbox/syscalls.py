"""The seccomp program of a child: which system calls fail for it, as if the user had no permission.

It names what is denied, since nobody can list all that Pillow, a PDF library or ONNX Runtime need. `clone` stays for
threads; `clone3` answers that it does not exist, because a filter cannot see its flags, and the C library then takes
`clone`. Only our own process may be signalled, which is what ``abort`` needs.
"""

from __future__ import annotations

import platform
import struct
import sys
from dataclasses import dataclass
from typing import Final

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _KILL, _EPERM, _ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_CLONE_THREAD: Final = 0x10000
_X32: Final = 0x40000000


@dataclass(frozen=True)
class _Calls:
    """The numbers of one architecture (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h)."""

    architecture: int
    denied: tuple[int, ...]
    own: tuple[int, ...]
    """The first argument must be 0 or our own process."""
    starting: tuple[int, ...]
    """They start processes."""
    clone: int
    clone3: int = 435


_NEW: Final = (
    425,  # io_uring_setup: its operations pass by every filter
    424,  # pidfd_send_signal
    434,  # pidfd_open
    438,  # pidfd_getfd
)
_CALLS: Final = {
    "x86_64": _Calls(
        0xC000003E,
        # socket ptrace process_vm_readv process_vm_writev bpf perf_event_open userfaultfd unshare setns mount
        # add_key request_key keyctl tkill
        (41, 101, 310, 311, 321, 298, 323, 272, 308, 165, 248, 249, 250, 200, *_NEW),
        (62, 234, 129, 297, 302),  # kill tgkill rt_sigqueueinfo rt_tgsigqueueinfo prlimit64
        (57, 58),  # fork vfork
        56,
    ),
    "aarch64": _Calls(
        0xC00000B7,
        (198, 117, 270, 271, 280, 241, 282, 97, 268, 40, 217, 218, 219, 130, *_NEW),
        (129, 131, 138, 240, 261),
        (),
        220,
    ),
}


def program(process: int, *, processes: bool) -> bytes:
    """The filter for the child `process`; empty where this platform has none.

    With `processes`, it may start some, and send signals.
    """
    calls = _CALLS.get(platform.machine()) if sys.platform == "linux" and sys.maxsize > 2**32 else None
    if calls is None or sys.byteorder != "little":
        return b""
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, calls.architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_ANY_BIT, _X32, 0, 1),  # the second table of x86-64
        _step(_RETURN, _ENOSYS),
    ]
    for number in calls.denied:
        steps += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _EPERM)]
    if not processes:
        for number in calls.starting:
            steps += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _EPERM)]
        for number in calls.own:
            steps += [
                _step(_EQUAL, number, 0, 5),
                _step(_LOAD, _FIRST_ARGUMENT),
                _step(_EQUAL, process, 1, 0),
                _step(_EQUAL, 0, 0, 1),
                _step(_RETURN, _ALLOW),
                _step(_RETURN, _EPERM),
            ]
        steps += [
            _step(_EQUAL, calls.clone3, 0, 1),
            _step(_RETURN, _ENOSYS),
            _step(_EQUAL, calls.clone, 0, 4),
            _step(_LOAD, _FIRST_ARGUMENT),
            _step(_ANY_BIT, _CLONE_THREAD, 0, 1),
            _step(_RETURN, _ALLOW),
            _step(_RETURN, _EPERM),
        ]
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
