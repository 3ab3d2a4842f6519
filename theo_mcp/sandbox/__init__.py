"""Runs one parse or render in a child process with limits, because a small hostile input can abort a whole process.

A job is a function of this package that takes bytes and returns bytes, named by its import path::

    async with Sandbox() as sandbox:
        made = await sandbox.run(Job("theo_mcp.artifacts.preview:thumbnail", {"image": data}, {"width": 512}))
        made.outputs["png"], made.value

    def thumbnail(image: bytes, *, width: int) -> Returned:  # its module imports little, and this one for types only
        from PIL import Image
        ...
        raise InputError("The image has no pixels.", hint="Send another.")  # comes back to the caller as it is
        ...
        return {"png": png}, {"width": 512, "height": 300}

What `run` raises is a `SandboxError` that says what happened, or the job's own `InputError` or `NotAvailableError`.
Whatever the job does, the caller's process goes on, and the child, its descendants and its folder are gone.

**What holds a job.** Everywhere: the wall clock, the caps on what comes back, an environment without keys, an empty
working folder. On Linux and macOS: processor time, the size of a file, open files, no core dump, a session of its own.
On Linux: memory, and an end with the parent's, however that ends. On Linux 5.13 and later (x86-64, arm64), for root
too: files are read only where Python, this package and the system's libraries are and written only in the working
folder (whether something exists elsewhere can be told, not what is in it); no sockets, no processes, no signals to
others. `Sandbox.warm` says which of these are in force; where Landlock or seccomp is missing, a job that takes over its
child can read and write what the user can, use the network and leave processes, which are then searched for and killed.
Windows has the wall clock and the caps only.

**What does not.** The number of files in the working folder and the free space of its disk; threads. Where
`Limits.processes` allows processes, memory and time count for each of them, root has no limit on their number, and one
that leaves the session *and* overwrites its environment *and* outlives its child is not found. A job that takes over a
warm child sees the inputs of the jobs after it: one with ``alone=True`` has a child that serves nobody else.
"""

from theo_mcp.sandbox.job import Job, Limits, Result, Returned
from theo_mcp.sandbox.pool import Sandbox

__all__ = ["Job", "Limits", "Result", "Returned", "Sandbox"]
