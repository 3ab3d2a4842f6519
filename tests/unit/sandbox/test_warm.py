"""Which child serves which job, and when it is replaced."""

from __future__ import annotations

import anyio
import pytest

from tests.unit.sandbox.opened import SMALL, OpenSandbox, ended, job
from theo_mcp.errors import InputError, SandboxError


async def test_one_child_serves_one_job_after_the_other(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        served_by = {(await sandbox.run(job("whoami"))).value for _ in range(5)}

    assert len(served_by) == 1


async def test_a_child_is_replaced_after_its_number_of_jobs(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox(jobs_per_child=2) as sandbox:
        first, second, third = [(await sandbox.run(job("whoami"))).value for _ in range(3)]

    assert first == second != third


async def test_a_child_is_replaced_when_it_holds_too_much_memory(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox(recycle_bytes=64 << 20) as sandbox:
        small = (await sandbox.run(job("keep_memory", size=1 << 20))).value
        large = (await sandbox.run(job("keep_memory", size=80 << 20))).value
        after = (await sandbox.run(job("whoami"))).value

    assert small == large != after


async def test_a_child_in_which_a_thread_goes_on_is_replaced(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        before = (await sandbox.run(job("keep_a_thread"))).value

        assert (await sandbox.run(job("whoami"))).value != before


async def test_a_child_is_replaced_after_a_fault_and_kept_after_a_refusal(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        first = (await sandbox.run(job("whoami"))).value
        with pytest.raises(InputError):
            await sandbox.run(job("refuse"))
        second = (await sandbox.run(job("whoami"))).value
        with pytest.raises(SandboxError):
            await sandbox.run(job("fail"))
        third = (await sandbox.run(job("whoami"))).value

    assert first == second != third


async def test_a_job_that_wants_to_be_alone_shares_its_child_with_no_other(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        shared = (await sandbox.run(job("whoami"))).value
        alone = (await sandbox.run(job("whoami", alone=True))).value
        after = (await sandbox.run(job("whoami"))).value

    assert shared == after != alone


async def test_a_job_alone_takes_a_warm_child_that_has_not_served_yet(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        await sandbox.warm(("sandbox_jobs",))
        (resting,) = open_sandbox.children()

        assert (await sandbox.run(job("whoami", alone=True))).value == resting


async def test_an_idle_child_ends_by_itself(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox(idle_seconds=0.01) as sandbox:
        first = (await sandbox.run(job("whoami"))).value
        await ended(first)

        assert (await sandbox.run(job("whoami"))).value != first


async def test_a_job_passes_to_another_child_when_the_idle_one_ended_a_moment_before(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        first = (await sandbox.run(job("whoami"))).value

        # a status that only an idle child has: as if it had ended between its choice and the job
        second = await sandbox.run(job("leave_on_a_warm_child", first=first))

    assert second.value != first


async def test_only_so_many_children_rest(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox(concurrency=3, warm=2) as sandbox:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(sandbox.run, job("whoami"))

        assert len(open_sandbox.children()) == 2


async def test_the_child_that_rested_longest_makes_room_for_one_of_another_kind(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox(warm_in_all=1) as sandbox:
        await sandbox.run(job("whoami"))
        other = (await sandbox.run(job("whoami"), limits=SMALL)).value

        assert open_sandbox.children() == [other]


async def test_a_job_finds_what_the_one_before_it_changed_as_it_should_be(open_sandbox: OpenSandbox) -> None:
    async with open_sandbox() as sandbox:
        before = (await sandbox.run(job("meddle"))).value
        found = (await sandbox.run(job("surroundings"))).value
        after = (await sandbox.run(job("whoami"))).value

    assert before == after
    assert isinstance(found, dict)
    assert (found["umask"], found["listed"]) == (0o077, ["made"])
