"""What the commands share: where output goes, how it looks, and how errors end the process.

What was asked for goes to stdout, everything about it to stderr, so that a pipe gets the answer alone. Generated text
cannot send escape sequences to a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import monotonic
from typing import TypeVar

import anyio
from pydantic import JsonValue

from theo_mcp import errors
from theo_mcp.commands._logging import log_to_stderr
from theo_mcp.secret import redact
from theo_mcp.settings import Settings

ResultT = TypeVar("ResultT")

OK, FAILED, USAGE, SETUP, UNREACHED, RUNNING, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
EXIT_CODES: Mapping[int, str] = {
    OK: "done",
    FAILED: "the service or the model answered with an error",
    USAGE: "the command or its input is wrong",
    SETUP: "a setting, key, model or package is missing or wrong, or the budget is spent",
    UNREACHED: "no whole answer came (network, time-out)",
    RUNNING: "the work of this handle has not ended yet",
    INTERRUPTED: "interrupted",
}
_NO_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_shown_phases: list[str] = []
_CLEAR = "\r\033[K"
_DIM, _BOLD, _RED, _PLAIN = "\033[2m", "\033[1m", "\033[31m", "\033[0m"


def exit_code_of_word(code: str) -> int:
    """The exit code for the code word that a tool's error begins with."""
    if code in ("validation_error", "missing_prompt", "prompt_too_long"):
        return USAGE
    if code in ("config_error", "no_key", "no_model", "extra_missing", "not_available_here", "budget_exceeded"):
        return SETUP
    if code in ("unreachable", "timeout", "connection_lost", "unexpected_answer", "stream_failed"):
        return UNREACHED
    return FAILED


def exit_code(error: errors.TheoError) -> int:
    """The exit code for an error; EXIT_CODES documents them."""
    match error:
        case errors.InputError():
            return USAGE
        case errors.ConfigError() | errors.NotAvailableError() | errors.BudgetError():
            return SETUP
        case errors.TransportError():
            return UNREACHED
        case errors.StreamError(code="stream_failed"):  # it just ended; a service's own error has its own code
            return UNREACHED
        case _:
            return FAILED


def phase(words: str) -> None:
    """What a call is doing, on one line of a terminal that the next output takes away; nothing in a pipe."""
    if sys.stderr.isatty():
        _shown_phases.append(words)
        sys.stderr.write(f"{_CLEAR}{_DIM}{_safe(words, True)} …{_PLAIN}")
        sys.stderr.flush()


class ProgressBar:
    """How much of a file has come: a bar on a terminal, a line for every tenth in a pipe."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._first: int | None = None
        self._tenth = -1

    def show(self, done: int, total: int | None) -> None:
        self._first = done if self._first is None else self._first
        seconds = monotonic() - self._began
        text = f"{done / 1e6:.1f} MB" if total is None else f"{done / 1e6:.1f} of {total / 1e6:.1f} MB"
        if seconds > 0.5:
            text += f", {(done - self._first) / 1e6 / seconds:.1f} MB/s"
        if sys.stderr.isatty():
            filled = "" if not total else f"[{'█' * (24 * done // total):<24}] {100 * done // total:3} %  "
            phase(filled + text)
        elif total and 10 * done // total > self._tenth:
            self._tenth = 10 * done // total
            say(f"{100 * done // total} %, {text}")


def answer(text: str, *, end: str = "\n") -> None:
    """What was asked for, or a piece of it: to stdout, at once."""
    _clear_phase()
    sys.stdout.write(_safe(text, sys.stdout.isatty()) + end)
    sys.stdout.flush()


def answer_json(value: Mapping[str, JsonValue]) -> None:
    """The answer as one JSON object."""
    answer(redact(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)))


def say(text: str) -> None:
    """Something about the answer: to stderr, dimmed on a terminal."""
    _clear_phase()
    text = _safe(text, True)
    sys.stderr.write(f"{_DIM}{text}{_PLAIN}\n" if sys.stderr.isatty() else f"{text}\n")
    sys.stderr.flush()


def bold(text: str) -> str:
    """`text` in bold where stdout is a terminal."""
    return f"{_BOLD}{text}{_PLAIN}" if sys.stdout.isatty() else text


def show_error(error: errors.TheoError, *, as_json: bool) -> int:
    """Shows an error and returns its exit code. Text that came before it has been printed, or is printed now."""
    if as_json:
        fields: dict[str, JsonValue] = {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "retryable": error.retryable,
            "retry_after": error.retry_after,
            "status": error.status,
            "request_id": error.request_id,
            "partial": error.partial,
        }
        answer_json({"error": {name: value for name, value in fields.items() if value not in (None, "")}})
        return exit_code(error)
    _clear_phase()
    red, plain = (_RED, _PLAIN) if sys.stderr.isatty() else ("", "")
    if error.partial and not isinstance(error, errors.ProtocolError):
        answer(redact(error.partial))  # it was paid for
    sys.stderr.write(f"{red}error:{plain} {_safe(redact(error.message), True)} ({_safe(redact(error.code), True)})\n")
    if error.hint:
        sys.stderr.write(f"next:  {_safe(redact(error.hint), True)}\n")
    if error.request_id:
        sys.stderr.write(f"id:    {_safe(redact(error.request_id), True)}\n")
    return exit_code(error)


def prompt_of(words: list[str]) -> str:
    """The prompt from the command line, or from stdin where it is ``-`` or absent and stdin is not a terminal.

    Raises:
        InputError: there is none.
    """
    text = " ".join(words)
    if text == "-" or (not words and not sys.stdin.isatty()):
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not text.strip():
        raise errors.InputError("There is no prompt.", code="missing_prompt", hint="Give it as text, or pipe it in.")
    return text


def agreed(question: str, refusal: str) -> bool:
    """Whether the person at the terminal says yes.

    Raises:
        InputError: there is nobody to ask; the message is `refusal`.
    """
    if not sys.stdin.isatty():
        raise errors.InputError(refusal, hint="Run this in a terminal, or add --yes.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def run(work: Callable[..., Awaitable[ResultT]], settings: Settings, *arguments: object) -> ResultT:
    """Runs asynchronous work to its end, with the log records that `settings` ask for."""
    if settings.log_level != "warning":  # a warning comes as an error or a notice anyway
        log_to_stderr(settings.log_level)
    return anyio.run(partial(work, settings, *arguments))


def _clear_phase() -> None:
    if _shown_phases:
        _shown_phases.clear()
        sys.stderr.write(_CLEAR)
        sys.stderr.flush()


def _safe(text: str, terminal: bool) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text.translate(_NO_CONTROLS) if terminal else text
