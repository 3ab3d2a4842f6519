"""What a sandbox is asked for and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None
Returned: TypeAlias = tuple[Mapping[str, bytes], JSON]
"""What the function of a job returns: outputs by name, and anything that JSON can hold."""

_DAY: Final = 86_400


@dataclass(frozen=True)
class Limits:
    """What one job may use. A child is started for one set of limits, and cannot raise them."""

    seconds: float = 30.0
    """By the clock, from the moment that the child is ready."""
    cpu_seconds: float = 30.0
    memory_bytes: int = 1 << 30
    """Of address space, which is more than what is used: Python alone takes 30 MB, ONNX Runtime wants 1.5 GB."""
    reserve_bytes: int = 0
    """Of address space on top of it that can be reserved and not written: V8, and so vl-convert, wants 64 GB."""
    output_bytes: int = 64 << 20
    """Of all that comes back together."""
    file_bytes: int = 64 << 20
    """Of each file that it writes."""
    processes: int = 0
    """How many processes it may start; a child that may do so serves one job only."""
    open_files: int = 64

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= _DAY or not 0 <= self.cpu_seconds <= _DAY:
            raise ValueError("a job has more than no time, and at most a day")


@dataclass(frozen=True)
class Job:
    """A call of one of our functions: ``function(**inputs, **options)``.

    Attributes:
        function: ``"package.module:function"``. Never made of anything that a user sent.
        inputs: bytes by name.
        options: whatever else the function takes; JSON.
        preload: the modules that a child for this job imports before it is ready; the function's own where none is
            named. Children are shared by jobs with the same. The import comes before the confinement, so that
            bytecode can be written, unless it starts threads.
        alone: the child has served no other job and will serve no other.
    """

    function: str
    inputs: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    options: Mapping[str, JSON] = field(default_factory=dict, repr=False)
    preload: tuple[str, ...] = ()
    alone: bool = False

    @property
    def modules(self) -> tuple[str, ...]:
        return self.preload or (self.function.partition(":")[0],)


@dataclass(frozen=True)
class Result:
    """What the function returned. `value` is JSON; its shape and the names of the outputs are the child's word."""

    outputs: Mapping[str, bytes] = field(repr=False)
    value: object = field(repr=False)
