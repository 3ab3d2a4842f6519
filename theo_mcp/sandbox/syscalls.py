"""The seccomp program of a child: which system calls fail for it, as if the user had no permission.

It names what is denied, since nobody can list all that Pillow, a PDF library or ONNX Runtime need. `clone` stays for
threads; `clone3` answers that it does not exist, because a filter cannot see its flags, and the C library then takes
`clone`. Landlock does not hold back changes of mode, owner and time; these seem to succeed, since copying a file in the
standard library makes them too. Only our own process may be signalled, which is what ``abort`` needs.
"""

from __future__ import annotations

import platform
import struct
import sys
from dataclasses import dataclass
from typing import Final

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _KILL, _EPERM, _ENOSYS, _PRETEND = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_CLONE_THREAD: Final = 0x10000
_X32: Final = 0x40000000


@dataclass(frozen=True)
class _Calls:
    """The numbers of one architecture (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h)."""

    architecture: int
    denied: tuple[int, ...]
    pretended: tuple[int, ...]
    """They seem to succeed and do nothing."""
    own: tuple[int, ...]
    """The first argument must be 0 or our own process."""
    signals: tuple[int, ...]
    """The same, unless there are other processes of ours."""
    starting: tuple[int, ...]
    """They start processes."""
    clone: int
    clone3: int = 435


_NEW: Final = (
    425,  # io_uring_setup: its operations pass by every filter
    424,  # pidfd_send_signal
    434,  # pidfd_open
    438,  # pidfd_getfd
    447,  # memfd_secret
    463,  # setxattrat
    466,  # removexattrat
)
_CALLS: Final = {
    "x86_64": _Calls(
        0xC000003E,
        (
            *(41, 101, 310, 311, 321, 298),  # socket ptrace process_vm_readv process_vm_writev bpf perf_event_open
            *(323, 272, 308, 165, 248, 249, 250),  # userfaultfd unshare setns mount add_key request_key keyctl
            *(319, 29, 68, 64, 240),  # memfd_create shmget msgget semget mq_open: memory that no limit counts
            *(200, 141, 251, 256, 279),  # tkill setpriority ioprio_set migrate_pages move_pages
            *(188, 189, 190, 197, 198, 199),  # setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
            *_NEW,
        ),
        # chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
        (90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280),
        (302, 203, 144, 142, 314),  # prlimit64 sched_setaffinity sched_setscheduler sched_setparam sched_setattr
        (62, 234, 129, 297),  # kill tgkill rt_sigqueueinfo rt_tgsigqueueinfo
        (57, 58),  # fork vfork
        56,
    ),
    "aarch64": _Calls(
        0xC00000B7,
        (
            *(198, 117, 270, 271, 280, 241),
            *(282, 97, 268, 40, 217, 218, 219),
            *(279, 194, 186, 190, 180),
            *(130, 140, 30, 238, 239),
            *(5, 6, 7, 14, 15, 16),
            *_NEW,
        ),
        (52, 53, 452, 55, 54, 88),  # fchmod fchmodat fchmodat2 fchown fchownat utimensat
        (261, 122, 119, 118, 274),
        (129, 131, 138, 240),
        (),
        220,
    ),
}


def of_this_platform(process: int, *, processes: bool) -> bytes:
    """The filter for the child `process`; empty where this platform has none."""
    if sys.platform != "linux" or sys.maxsize <= 2**32 or sys.byteorder != "little":
        return b""
    return program(platform.machine(), process, processes=processes)


def program(machine: str, process: int, *, processes: bool) -> bytes:
    """The filter for the child `process`. With `processes`, it may start some, and send signals."""
    calls = _CALLS.get(machine)
    if calls is None:
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
    for number in calls.pretended:
        steps += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _PRETEND)]
    for number in calls.own if processes else calls.own + calls.signals:
        steps += [
            _step(_EQUAL, number, 0, 5),
            _step(_LOAD, _FIRST_ARGUMENT),
            _step(_EQUAL, process, 1, 0),
            _step(_EQUAL, 0, 0, 1),
            _step(_RETURN, _ALLOW),
            _step(_RETURN, _EPERM),
        ]
    if not processes:
        for number in calls.starting:
            steps += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _EPERM)]
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
