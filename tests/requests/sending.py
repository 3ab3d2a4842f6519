"""Sends the cases in their order and says of each answer whether it is as documented."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import httpx2

from tests.requests import answers
from tests.requests.cases import Case, cases
from tests.requests.shape import Problems

Verdict = Literal["documented", "refused", "wrong"]
REFUSED = 501


@dataclass(frozen=True)
class Outcome:
    """One case and what came of it; `problems` says what is wrong."""

    case: Case
    status: int
    verdict: Verdict
    problems: Problems


async def send_all(origin: str, key: str) -> list[Outcome]:
    """Every case, against the gateway at `origin`."""
    kept: dict[str, str] = {}
    async with httpx2.AsyncClient(base_url=origin, timeout=120, trust_env=False) as client:
        return [await _sent(client, case, key, kept) for case in cases()]


def table(outcomes: list[Outcome]) -> str:
    """The outcomes as Markdown."""
    said = {"documented": "as documented", "refused": "refused", "wrong": "WRONG"}
    rows = ["| request | source | status | answer |", "|---|---|---|---|"]
    for outcome in outcomes:
        case = outcome.case
        word = said[outcome.verdict] + (f", needs {case.refused}" if outcome.verdict == "refused" else "")
        about = "; ".join([word, *outcome.problems]).replace("|", "\\|")
        rows.append(f"| {case.name.replace('|', ' ')} | {case.source} | {outcome.status} | {about} |")
    return "\n".join(rows) + "\n"


async def _sent(client: httpx2.AsyncClient, case: Case, key: str, kept: dict[str, str]) -> Outcome:
    sent = key if case.key == "" else case.key
    headers = {"Authorization": f"Bearer {sent}"} if sent is not None else {}
    body = _filled(json.dumps(case.body), kept) if case.body is not None else None
    if body is not None:
        headers["Content-Type"] = "application/json"
    answer = await client.request(case.method, _filled(case.path, kept), content=body, headers=headers)
    if case.refused and answer.status_code in (REFUSED, 404 if "{" in case.path else REFUSED):
        problems = _refusal(case, answer) if answer.status_code == REFUSED else []
        return Outcome(case, answer.status_code, "wrong" if problems else "refused", problems)
    problems = [] if answer.status_code == case.status else [f"status {answer.status_code}, not {case.status}"]
    for name, shape in case.headers.items():
        problems += shape(answer.headers.get(name), f"header {name}")
    if not problems:
        problems = _of_stream(case, answer) if case.stream else _of_json(case, answer, kept)
    return Outcome(case, answer.status_code, "wrong" if problems else "documented", problems)


def _of_json(case: Case, answer: httpx2.Response, kept: dict[str, str]) -> Problems:
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return [f"content-type {answer.headers.get('content-type')}"]
    value = answer.json()
    for name, path in case.keeps.items():
        kept[name] = str(_at(value, path))
    return case.shape(value, "$")


def _of_stream(case: Case, answer: httpx2.Response) -> Problems:
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        return [f"content-type {answer.headers.get('content-type')}"]
    events = list(_events(answer.text))
    match case.stream:
        case "theo":
            return _theo(events)
        case "openai":
            return _openai([data for _, data in events])
        case _:
            return _getcode([json.loads(data) for _, data in events])


def _theo(events: list[tuple[str, str]]) -> Problems:
    told = [(name, json.loads(data)) for name, data in events if name != "thinking"]
    problems = [problem for name, fields in told for problem in answers.EVENTS.get(name, _unknown)(fields, name)]
    names = [name for name, _ in told]
    order = ["meta", "skills", "genui_meta"]
    if names[:1] != ["meta"] or names[-1:] != ["done"] or names.count("done") != 1:
        problems.append(f"the order is {names[:3]} … {names[-2:]}")
    if any(name in order for name in names[names.index("token") :] if "token" in names):
        problems.append("meta, skills or genui_meta come after the first token")
    streamed = "".join(fields["token"] for name, fields in told if name == "token")
    content = str(told[-1][1].get("content")) if told else ""
    repaired = "genui_meta" in names  # whose first draft may have streamed before the one that counts
    if not (streamed.endswith(content) if repaired else streamed == content):
        problems.append("the tokens are not the content of done")
    return problems


def _openai(events: list[str]) -> Problems:
    if events[-1:] != ["[DONE]"]:
        return ["the stream does not end with [DONE]"]
    chunks = [json.loads(data) for data in events[:-1]]
    problems = [f"object {chunk.get('object')}" for chunk in chunks if chunk.get("object") != "chat.completion.chunk"]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice["finish_reason"]]
    return problems + ([] if text else ["no text"]) + ([] if reasons == ["stop"] else [f"finish reasons {reasons}"])


def _getcode(events: list[dict[str, object]]) -> Problems:
    problems = [
        problem
        for fields in events
        for problem in answers.GENERATE_EVENTS.get(str(fields.get("type")), _unknown)(fields, str(fields.get("type")))
    ]
    kinds = [fields.get("type") for fields in events]
    if "token" not in kinds or kinds[-1:] != ["done"]:
        problems.append(f"the events are {kinds[:3]} … {kinds[-2:]}")
    return problems


def _refusal(case: Case, answer: httpx2.Response) -> Problems:
    of_theo = case.path.startswith("/api/v1/")
    shape = answers.error("not_available_here") if of_theo else answers.ERROR_OF_GETCODE
    return shape(answer.json(), "$")


def _events(body: str) -> Iterator[tuple[str, str]]:
    """Each event of a stream: its name, and its data."""
    for block in body.replace("\r\n", "\n").split("\n\n"):
        lines = [line.partition(":") for line in block.split("\n") if line and not line.startswith(":")]
        values = [(name, value.removeprefix(" ")) for name, _, value in lines]
        data = "\n".join(value for name, value in values if name == "data")
        if data:
            yield next((value for name, value in values if name == "event"), "message"), data


def _at(value: object, path: str) -> object:
    for name in path.split("."):
        if isinstance(value, list):
            value = value[int(name)] if int(name) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(name)
    return value


def _filled(text: str, kept: Mapping[str, str]) -> str:
    for name, value in kept.items():
        text = text.replace("{" + name + "}", value)
    return text


def _unknown(value: object, path: str) -> Problems:
    return [f"an event {path!r} that no document knows"]
