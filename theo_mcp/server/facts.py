"""What ``theo_status`` tells besides who answers: money, limits, conversations, handles, and the user's folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import JsonValue

from theo_mcp.backend import Backend, Spending
from theo_mcp.server.reply import number, one_line
from theo_mcp.server.rooms import Rooms
from theo_mcp.wire.account import ConversationPage, UsageReport
from theo_mcp.workspace.project import ProjectSettings

if TYPE_CHECKING:
    from theo_mcp.backend import Limited, Used

_MOST = 5
_FREE = {
    "models", "health", "usage", "conversations", "conversation", "delete_conversation", "skills", "skill",
    "install_skill", "uninstall_skill", "job", "wait_for_job", "tools",
}  # fmt: skip


@dataclass
class Told:
    """The same facts as lines and as data."""

    lines: list[str] = field(default_factory=list)
    data: dict[str, JsonValue] = field(default_factory=dict)


def told(backend: Backend, rooms: Rooms, asked: Mapping[str, object]) -> Told:
    """What was `asked`, as far as it was answered."""
    told = Told()
    if isinstance(spending := asked.get("spending"), Spending):
        _spending(told, spending)
    if isinstance(usage := asked.get("usage"), UsageReport):
        _usage(told, usage)
    for limited in backend.limits() if backend.limits is not None else ():
        _limit(told, limited)
    if isinstance(page := asked.get("conversations"), ConversationPage):
        _conversations(told, page)
    if isinstance(runs := asked.get("runs"), list):
        handles: list[JsonValue] = []
        for run in runs:
            handles.append({"handle": run.handle, "tool": run.status.title, "state": run.status.state})
            told.lines.append(f"Handle {run.handle}: {run.status.title}, {run.status.state}")
        told.data["handles"] = handles
    _folders(told, rooms, asked.get("project"))
    return told


def _spending(told: Told, spending: Spending) -> None:
    used: list[JsonValue] = [
        {
            "api": used.api,
            "method": used.method,
            "calls": used.calls,
            "failures": used.failures,
            "cached": used.cached,
            "tokens": used.tokens,
            "cost_cents": float(used.cost_cents),
            "maybe_cents": float(used.maybe_cents),
        }
        for used in spending.used
        if used.method not in _FREE
    ]
    told.lines += [_used_line(used) for used in spending.used if used.method not in _FREE]
    told.data["spending"] = {
        "session_cents": float(spending.session_cents),
        "max_cents": None if spending.max_cents is None else float(spending.max_cents),
        "today_cents": float(spending.today_cents),
        "budget_cents": None if spending.budget_cents is None else float(spending.budget_cents),
        "since_start": used,
    }
    most = "no limit is set" if spending.max_cents is None else f"max_cents is {spending.max_cents.normalize():f}"
    told.lines.append(f"Spent since the start: {spending.session_cents.normalize():f} cents; {most}")
    if spending.budget_cents is not None:
        today, budget = spending.today_cents.normalize(), spending.budget_cents.normalize()
        told.lines.append(f"Spent today: {today:f} of {budget:f} cents")


def _used_line(used: Used) -> str:
    """One method's calls, and what they cost."""
    numbers = {"failures": used.failures, "cached": used.cached, "tokens": used.tokens}
    said = [f"{value} {name}" for name, value in numbers.items() if value]
    cents = [f"{number(float(used.cost_cents))} cents"]
    cents += [f"perhaps {number(float(used.maybe_cents))} cents more"] if used.maybe_cents else []
    return f"Used: {used.api} {used.method}, {', '.join([f'calls {used.calls}', *said, *cents])}"


def _usage(told: Told, usage: UsageReport) -> None:
    totals = usage.totals.model_dump(exclude_none=True)
    period = " to ".join(part for part in (usage.period.start, usage.period.end) if part)
    told.data["usage"] = {"period": period, **totals}
    said = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in totals.items() if value is not None)
    told.lines.append(f"Usage at Theo{f' ({period})' if period else ''}: {said or 'not said'}")


def _limit(told: Told, limited: Limited) -> None:
    limits = told.data.setdefault("limits", [])
    assert isinstance(limits, list)
    limits.append({"api": limited.api, "endpoint": limited.what, "seconds": round(limited.seconds)})
    name = {"theo": "Theo", "getcode": "GetCode"}[limited.api]
    minutes = max(1, round(limited.seconds / 60))
    what = f" {limited.what}" if limited.what else ""
    told.lines.append(f"Limit: {name}{what} takes no more requests for about {minutes} min")


def _conversations(told: Told, page: ConversationPage) -> None:
    shown = page.conversations[:_MOST]
    told.data["conversations"] = [{"id": entry.id, "title": entry.title} for entry in shown]
    told.lines += [one_line(f"Conversation {entry.id}: {entry.title}") for entry in shown]


def _folders(told: Told, rooms: Rooms, project: object) -> None:
    workspace = rooms.workspace
    roots = [str(root.path) for root in workspace.roots]
    told.data["roots"], told.data["output_dir"] = list(roots), str(workspace.output())
    told.lines.append(f"Open folders: {', '.join(roots) or 'none; --root opens one'}")
    told.lines.append(f"Output folder: {workspace.output()}")
    if isinstance(project, ProjectSettings) and project.ignored:
        told.data["project_ignored"] = list(project.ignored)
        told.lines += [f"Project: {said}" for said in project.ignored]
