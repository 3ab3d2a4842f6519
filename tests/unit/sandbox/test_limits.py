"""What a job cannot do or use: time, memory, files, network, processes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.sandbox.opened import LINUX, SMALL, OpenSandbox, ended, job
from theo_mcp.errors import SandboxError
from theo_mcp.sandbox import Job, Limits, folder, syscalls

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not LINUX, reason="Landlock and seccomp are Linux's")
async def test_a_job_reaches_nothing_but_its_folder(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a key", encoding="utf-8")
    secret.chmod(0o600)
    async with open_sandbox() as sandbox:
        confined = await sandbox.warm(("sandbox_jobs",))
        outcomes = (await sandbox.run(job("attempts", parent=os.getpid(), secret=str(secret)))).value

    assert confined == {"limits", "files", "network", "processes"}, "this kernel has no Landlock or no seccomp"
    assert outcomes == {
        "read the secret": "PermissionError",
        "read the parent's environment": "PermissionError",
        "write beside the folder": "PermissionError",
        "change the secret's mode": "worked",  # it only seems so
        "mark the secret": "PermissionError",
        "remove the secret": "PermissionError",
        "connect": "PermissionError",
        "open a socket": "PermissionError",
        "signal the parent": "PermissionError",
        "limit the parent": "PermissionError",
        "slow the parent": "PermissionError",
        "hoard memory": "PermissionError",
        "fork": "PermissionError",
        "start a program": "PermissionError",
        "raise a limit": "PermissionError",
        "use a thread": "worked",
        "write in the folder": "worked",
    }
    assert secret.read_text(encoding="utf-8") == "a key"
    assert secret.stat().st_mode & 0o777 == 0o600


async def test_a_job_is_confined_although_its_imports_start_threads(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        confined = await sandbox.warm(("sandbox_threads",))
        found = (await sandbox.run(Job("sandbox_jobs:surroundings", preload=("sandbox_threads",)))).value

    assert confined == {"limits", "files", "network", "processes"}
    assert isinstance(found, dict)
    assert found["listed"] == ["made"]


@pytest.mark.skipif(not LINUX, reason="Landlock and seccomp are Linux's")
async def test_what_is_named_readable_can_be_read(open_sandbox: OpenSandbox, tmp_path: Path) -> None:
    font = tmp_path / "font"
    font.write_bytes(b"a font")
    async with open_sandbox(readable=[font]) as sandbox:
        outcomes = (await sandbox.run(job("attempts", parent=os.getpid(), secret=str(font)))).value

    assert isinstance(outcomes, dict)
    assert outcomes["read the secret"] == "worked"
    assert outcomes["remove the secret"] == "PermissionError"


@pytest.mark.slow
async def test_the_processor_time_is_counted_for_each_job_anew(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="used more than 0 s of processor time") as raised:
            await sandbox.run(job("hang_in_c"), limits=Limits(cpu_seconds=0))

    assert raised.value.code == "job_timeout"


@pytest.mark.skipif(not LINUX, reason="macOS does not heed the limit of memory")
async def test_memory_has_a_limit(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match="needs more memory than the 200 MB that are allowed") as raised:
            await sandbox.run(job("eat_memory"), limits=SMALL)
        with pytest.raises(SandboxError, match="needs more memory than the 200 MB that are allowed"):
            await sandbox.run(job("eat_memory"), limits=replace(SMALL, reserve_bytes=1 << 40))
        with pytest.raises(SandboxError) as at_input:
            await sandbox.run(job("upper", {"text": bytes(220 << 20)}), limits=SMALL)

    assert raised.value.code == at_input.value.code == "job_memory"


@pytest.mark.parametrize(
    "large",
    [job("make", size=(1 << 20) + 1), job("write", size=2 << 20)],
    ids=lambda each: each.function,
)
async def test_what_is_made_has_a_limit(large: Job, open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        with pytest.raises(SandboxError, match=r"larger than is allowed \(1,048,576 bytes\)") as raised:
            await sandbox.run(large, limits=SMALL)
        exact = await sandbox.run(job("make", size=1 << 20), limits=SMALL)

    assert raised.value.code == "job_output_too_large"
    assert exact.outputs["made"] == bytes(1 << 20)


async def test_what_a_job_prints_goes_nowhere(open_sandbox: OpenSandbox, capfd: pytest.CaptureFixture[str]) -> None:
    async with open_sandbox() as sandbox:
        result = await sandbox.run(job("print_much"))

    assert result.value == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("then_abort", [True, False])
async def test_a_folder_that_resists_is_removed_all_the_same(then_abort: bool, open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        try:
            before = (await sandbox.run(job("litter", then_abort=then_abort))).value
        except SandboxError:
            before = None

        assert (await sandbox.run(job("whoami"))).value != before


@pytest.mark.skipif(not LINUX, reason="descendants are looked for in /proc")
@pytest.mark.parametrize("then", ["return", "abort", "hang"])
async def test_processes_that_slip_away_are_found_and_ended(then: str, open_sandbox: OpenSandbox) -> None:
    seconds = 0.3 if then == "hang" else 10
    async with open_sandbox() as sandbox:
        try:
            await sandbox.run(job("fork_some", count=3, then=then), limits=Limits(seconds=seconds, processes=20))
        except SandboxError:
            assert then != "return"

        for process in open_sandbox.children():
            await ended(process)


@pytest.mark.skipif(not LINUX or os.getuid() == 0, reason="root has no limit on the number of its processes")
async def test_no_more_processes_than_allowed_are_started(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        result = await sandbox.run(job("fork_until_refused"), limits=Limits(processes=5))

    assert isinstance(result.value, int)
    assert result.value <= 5


def test_a_folder_is_removed_with_all_that_a_hostile_program_left(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    hostile = tmp_path / "hostile"
    (hostile / "moved-0" / "moved-1").mkdir(parents=True)
    (hostile / "a" / "moved-2").mkdir(parents=True)
    (hostile / "moved-1").write_text("in the way", encoding="utf-8")
    (hostile / "a" / "link").symlink_to(outside)
    (hostile / "a" / "moved-2").chmod(0)

    assert folder.remove(hostile)
    assert not hostile.exists()
    assert outside.exists()
    assert folder.remove(hostile)


def test_the_filter_of_system_calls_exists_for_the_machines_it_was_written_for() -> None:
    allow, refuse = bytes.fromhex("06000000 0000ff7f"), bytes.fromhex("06000000 01000500")

    for machine, architecture in (("x86_64", "3e0000c0"), ("aarch64", "b70000c0")):
        filtering = syscalls.program(machine, 4711, processes=False)
        assert filtering.startswith(bytes.fromhex(f"20000000 04000000 15000100 {architecture}"))
        assert filtering.endswith(refuse + allow)
        assert len(syscalls.program(machine, 4711, processes=True)) < len(filtering) < 8 * 4096
    assert syscalls.program("riscv64", 4711, processes=False) == b""
