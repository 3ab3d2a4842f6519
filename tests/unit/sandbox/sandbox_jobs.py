"""Jobs for the tests of the sandbox: useful ones, and what hostile input makes of a parser. Run in children only."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from theo_mcp.errors import InputError, NotAvailableError

Returned = tuple[dict[str, bytes], object]
_kept: list[bytes] = []


def upper(text: bytes, *, times: int = 1) -> Returned:
    return {"text": text.upper() * times}, {"size": len(text)}


def whoami() -> Returned:
    return {}, os.getpid()


def surroundings() -> Returned:
    with open("made", "w", encoding="utf-8") as file:
        file.write("here")
    listed = os.listdir()
    umask = os.umask(0o077)
    return {}, {
        "environment": dict(os.environ),
        "listed": listed,
        "folder": os.getcwd(),
        "umask": umask,
        "own_session": os.getsid(0) == os.getpid() == os.getpgid(0),
        "mode": os.stat(".").st_mode & 0o777,
    }


def modules() -> Returned:
    return {}, sorted(sys.modules)


def attempts(parent: int, secret: str) -> Returned:
    """What each attempt to reach beyond the job comes to: an error's name, or that it worked."""
    import socket
    import subprocess
    import threading

    def outcome(attempt: Callable[[], object]) -> str:
        try:
            attempt()
        except OSError as error:
            return type(error).__name__
        return "worked"

    thread = threading.Thread(target=int)
    return {}, {
        "read the secret": outcome(lambda: open(secret, "rb").read()),
        "read the parent's environment": outcome(lambda: open(f"/proc/{parent}/environ", "rb").read()),
        "write beside the folder": outcome(lambda: open(secret + ".new", "wb")),
        "change the secret's mode": outcome(lambda: os.chmod(secret, 0o777)),
        "mark the secret": outcome(lambda: os.setxattr(secret, "user.mark", b"")),
        "remove the secret": outcome(lambda: os.unlink(secret)),
        "connect": outcome(lambda: socket.create_connection(("127.0.0.1", 9))),
        "open a socket": outcome(lambda: socket.socket(socket.AF_UNIX)),
        "signal the parent": outcome(lambda: os.kill(parent, 0)),
        "limit the parent": outcome(lambda: _limit(parent)),
        "slow the parent": outcome(lambda: os.sched_setaffinity(parent, {0})),
        "hoard memory": outcome(lambda: os.memfd_create("hoard")),
        "fork": outcome(os.fork),
        "start a program": outcome(lambda: subprocess.run(["/bin/true"], check=True)),
        "raise a limit": outcome(_raise_limit),
        "use a thread": outcome(thread.start),
        "write in the folder": outcome(lambda: open("own", "wb")),
    }


def _limit(process: int) -> None:
    import resource

    resource.prlimit(process, resource.RLIMIT_NOFILE, (3, 3))


def _raise_limit() -> None:
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))
    except ValueError:
        raise PermissionError from None


def refuse() -> Returned:
    raise InputError("The image has no pixels.", code="image_empty", hint="Send another.")


def lack() -> Returned:
    raise NotAvailableError("The part that reads PDF is not installed.", code="extra_missing", hint="Install it.")


def refuse_with_noise() -> Returned:
    raise InputError("One\n\x1b[31mtwo\x00 " + "x" * 5000, code="No Code!")


def fail() -> Returned:
    raise LookupError("the secret text of the document\n\x1b[2J")


def fail_badly() -> Returned:
    class OddError(Exception):
        def __str__(self) -> str:
            raise ValueError

    raise OddError


def leave() -> NoReturn:
    sys.exit("bye")


def no_json() -> Returned:
    return {}, {"when": time.struct_time}


def not_a_number() -> Returned:
    return {}, float("nan")


def not_bytes() -> Returned:
    return {"text": "text"}, None  # type: ignore[dict-item]


def no_pair() -> object:
    return b"only bytes"


def crash(number: int) -> Returned:
    signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
    os.kill(os.getpid(), number)
    return {}, None


def read_null() -> Returned:
    import ctypes

    return {"null": ctypes.string_at(0)}, None


def abort() -> Returned:
    os.abort()


def leave_at_once(status: int) -> Returned:
    os._exit(status)


def wire() -> int:
    """The pipe to the parent, as a hostile job would find it."""
    for each in range(3, 64):
        try:
            os.write(each, b"")
        except OSError:
            continue
        return each
    raise LookupError


def close_everything() -> Returned:
    os.closerange(0, 64)
    return {}, None


def close_and_hang() -> Returned:
    os.closerange(0, 64)
    return hang()


def say(data: bytes, *, hangs: bool = False) -> Returned:
    os.write(wire(), data)
    return hang() if hangs else ({}, None)


def hang() -> Returned:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(3600)


def hang_in_c() -> Returned:
    return {}, sum(range(10**15))  # holds the interpreter's lock


def hang_ignoring_the_limit() -> Returned:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    return hang_in_c()


def eat_memory() -> Returned:
    held = []
    while True:
        held.append(bytearray(1 << 24))


def keep_memory(size: int) -> Returned:
    _kept.append(b"x" * size)
    return {}, os.getpid()


def keep_a_thread() -> Returned:
    import threading

    threading.Thread(target=hang_quietly, daemon=True).start()
    return {}, os.getpid()


def hang_quietly() -> None:
    time.sleep(3600)


def print_much() -> Returned:
    for _ in range(64):
        print("x" * (1 << 16))
        print("x" * (1 << 16), file=sys.stderr)
        os.write(1, b"x" * (1 << 16))
        os.write(2, b"x" * (1 << 16))
    return {}, sys.stdin.read()


def make(size: int) -> Returned:
    return {"made": bytes(size)}, None


def write(size: int) -> Returned:
    with open("large", "wb") as file:
        for _ in range(0, size, 1 << 20):
            file.write(bytes(1 << 20))
    return {}, None


def litter(*, then_abort: bool) -> Returned:
    """A folder that is hard to remove: hundreds deep, without permissions, with a link to the outside."""
    home = os.getcwd()
    os.symlink("/usr", "link")
    os.mkfifo("pipe")
    os.mkdir("moved-0")
    open("moved-0/x", "wb").close()
    for _ in range(400):
        os.mkdir("deeper")
        os.chdir("deeper")
    os.chdir(home)
    os.makedirs("closed/inner")
    os.chmod("closed/inner", 0)
    os.chmod("closed", 0)
    if then_abort:
        os.abort()
    return {}, os.getpid()


def fork_bomb() -> Returned:
    while True:
        os.fork()


def fork_some(count: int, *, then: str) -> Returned:
    """Grandchildren that are nobody's children any more and have left the session."""
    ready, started = os.pipe()
    for _ in range(count):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.write(started, os.getpid().to_bytes(4, "big"))
                os.closerange(0, 64)
                while True:
                    time.sleep(3600)
            os._exit(0)
    pids = [int.from_bytes(os.read(ready, 4), "big") for _ in range(count)]
    if then == "abort":
        os.abort()
    if then == "hang":
        hang()
    return {}, pids


def fork_until_refused() -> Returned:
    children: list[int] = []
    try:
        while len(children) < 50:
            if (child := os.fork()) == 0:
                hang_quietly()
            children.append(child)
    except OSError:
        pass
    return {}, len(children)


def leave_on_a_warm_child(first: int) -> Returned:
    """Ends as an idle child does, where it is the process `first`."""
    if os.getpid() == first:
        os._exit(75)
    return {}, os.getpid()


def meddle() -> Returned:
    """Leaves behind what would unsettle the next job of this child."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    os.umask(0)
    os.chdir("/usr")
    return {}, os.getpid()
