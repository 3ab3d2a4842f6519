"""One golden file: a source with a marked target, a raw answer, and the edit that a developer wants of it.

    What this file shows, in a sentence.
    language: python
    ==== source
    def f():
    «    pass
    »
    ==== answer
    …
    ==== edit
    applied
    @@ -1,2 +1,2 @@
    …

A `»` alone on the last line is no line of the source. `file:` names the document, `finish: length` says that the answer
was cut, `eol: crlf` or `cr` sets every line ending of the source, `␍` at the end of a line that one alone (also in an
answer), and `end: none` takes the newline from the last line. The edit begins with `applied`, with `shown` and the
doubts, or with `refused` and the sentence; `nothing` is an answer that changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from theo_lsp.edits.answer import Refused
from theo_lsp.edits.changes import applied
from theo_lsp.edits.edited import Edited, edited
from theo_lsp.edits.places import Span

FOLDER = Path(__file__).parent / "edits"


@dataclass(frozen=True)
class Case:
    path: Path
    head: str
    fields: dict[str, str]
    source: str
    span: Span
    answer: str
    expected: str

    @property
    def written(self) -> str:
        """The file with the edit as it is now."""
        return self.head + f"==== edit\n{self.outcome()}"

    def outcome(self) -> str:
        """The edit, as the file has it."""
        result = edited(
            self.answer,
            self.fields["language"],
            self.source,
            self.span,
            file=self.fields.get("file", ""),
            finish_reason=self.fields.get("finish", "stop"),
        )
        if isinstance(result, Refused):
            return f"refused: {result.reason}: {result.said}\n"
        assert applied(self.source, result.changes) == result.after
        return _first_line(self.source, result) + _diff(self.source, result.after)


def cases() -> list[Case]:
    return [read(path) for path in sorted(FOLDER.glob("*.txt"))]


def read(path: Path) -> Case:
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition("==== source\n")
    source, _, rest = rest.partition("==== answer\n")
    answer, _, expected = rest.partition("==== edit\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    source = re.sub(r"(^»)\n\Z", r"\1", source, flags=re.MULTILINE)
    source = {"crlf": source.replace("\n", "\r\n"), "cr": source.replace("\n", "\r")}.get(fields.get("eol", ""), source)
    source = source.replace("␍", "\r")
    if fields.get("end") == "none":
        source = source.rstrip("\r\n")
    start = source.index("«")
    end = source.index("»") - 1
    answer = answer.replace("␍", "\r")
    before = text[: len(text) - len(expected)].removesuffix("==== edit\n")
    return Case(path, before, fields, source.replace("«", "").replace("»", ""), Span(start, end), answer, expected)


def _first_line(source: str, result: Edited) -> str:
    if result.doubts:
        return f"shown: {', '.join(result.doubts)}\n"
    return "applied\n" if result.after != source else "nothing\n"


def _diff(before: str, after: str) -> str:
    rows = list(unified_diff(_lines(before), _lines(after), n=2))[2:]
    return "".join(row if row.endswith("\n") else f"{row}\n\\ No newline\n" for row in rows)


def _lines(text: str) -> list[str]:
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)
    return [line.replace("\r\n", "␍\n").replace("\r", "␍\n") for line in lines]
