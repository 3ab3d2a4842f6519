"""Code in Markdown: finds it in what a model writes, with languages and file names, and fences it for a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

_FENCE = re.compile(r"^([ \t]*+)(`{3,}+|~{3,}+)[ \t]*+([^`\n]*+)$")  # possessive: a line of any length is read once
_TICKS = re.compile(r"`{3,}+")
_NAME = r"[\w./\\@+-]*[\w-]\.[A-Za-z][A-Za-z0-9]{0,9}"
_NAME_ALONE = re.compile(_NAME)
_NAME_IN_INFO = re.compile(rf"(?:^|[\s:=\"'({{])({_NAME})(?=$|[\s\"')}}])")
_NAME_IN_COMMENT = re.compile(rf"^\s*(?:#|//|--|;|/\*|<!--)\s*(?:file(?:name)?:\s*)?({_NAME})\s*(?:\*/|-->)?\s*$", re.I)
_DEEPEST = 3  # spaces before a closing fence, beyond those before the opening one; deeper is code, as in a docstring
_MARKDOWN = ("markdown", "md", "mdx")
_LONGEST_NAMING_LINE = 200  # no file is named in a longer one, and the patterns above need not be tried on it


@dataclass(frozen=True)
class Block:
    """One fenced block. `file` is the name that the answer gives it, or an empty string; `closed`: it has its end."""

    language: str
    file: str
    code: str
    closed: bool = True


@dataclass(frozen=True)
class Answer:
    """A model's answer taken apart, in its order: prose as strings, fenced blocks as `Block`."""

    parts: tuple[str | Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(part for part in self.parts if isinstance(part, Block))

    def without(self, taken: Sequence[Block]) -> str:
        """The answer as Markdown again, without the blocks of `taken`."""
        kept = [part for part in self.parts if not any(part is block for block in taken)]
        texts = [part if isinstance(part, str) else f"```{part.language}\n{part.code}```" for part in kept]
        return "\n\n".join(text.strip("\n") for text in texts if text.strip())


def read(text: str) -> Answer:
    """Takes `text` apart. A fence that is never closed runs to the end, as in an answer that was cut.

    A fence in the code is no end: it stands deeper than a closing one may, or closes one that was opened in Markdown.
    """
    parts: list[str | Block] = []
    prose: list[str] = []
    code: list[str] = []
    opened: tuple[str, str, int] | None = None  # the fence, its info string, its indentation
    inner = 0  # fences with a language that are open inside Markdown
    for line in text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n"):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened, code, inner = (fence[2], fence[3].strip(), len(fence[1])), [], 0
        elif opened is None:
            prose.append(line)
        elif fence and not inner and _closes(fence, opened):
            parts += ["\n".join(prose), _block(opened[1], code, prose)]
            opened, prose = None, []
        else:
            if fence and opened[1].split(" ")[0].lower() in _MARKDOWN and fence[2][: len(opened[0])] == opened[0]:
                inner += 1 if fence[3].strip() else -1
            code.append(line[min(opened[2], len(line) - len(line.lstrip(" "))) :])
    parts.append("\n".join(prose))
    if opened is not None:
        parts.append(replace(_block(opened[1], code, prose), closed=False))
    return Answer(tuple(parts))


def fenced(code: str, language: str) -> str:
    """`code` in a fence that nothing in it can close."""
    longest = max(map(len, _TICKS.findall(code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code.rstrip()}\n{fence}"


def _closes(fence: re.Match[str], opened: tuple[str, str, int]) -> bool:
    return not fence[3].strip() and fence[2].startswith(opened[0]) and len(fence[1]) <= opened[2] + _DEEPEST


def _block(info: str, code: list[str], prose: list[str]) -> Block:
    info = info[:_LONGEST_NAMING_LINE]
    language = re.split(r"[\s:{,]", info, maxsplit=1)[0].strip()
    text = "\n".join(code)
    if "." in language and _NAME_ALONE.fullmatch(language):  # the name stands where the language should
        file, language = language, language.rpartition(".")[2]
    else:
        file = _named(info[len(language) :], next((line for line in reversed(prose) if line.strip()), ""), code[:1])
    return Block(language=language.lower(), file=_inside(file), code=text + "\n" if text else "")


def _named(info: str, before: str, first: list[str]) -> str:
    """The file's name: in the info string, alone on the line before, or in a comment on the first line."""
    if found := _NAME_IN_INFO.search(info):
        return found[1]
    if len(before) <= _LONGEST_NAMING_LINE:
        line = re.sub(r"^[#>\s-]*(\d+[.)]\s*)?", "", before.strip())
        line = re.sub(r"(?i)^\**(file(name)?|path)\s*:\s*", "", line).rstrip(": ")
        name = line.strip("`*\"' :")
        # A capital without any mark is a product ("Node.js:"), not a file.
        if _NAME_ALONE.fullmatch(name) and (name != before.strip().rstrip(": ") or not name[0].isupper()):
            return name
    if first and len(first[0]) <= _LONGEST_NAMING_LINE and (found := _NAME_IN_COMMENT.match(first[0])):
        return found[1]
    return ""


def _inside(file: str) -> str:
    """`file` as a path below the place where it will be put: no root, no way up."""
    return "/".join(part for part in file.replace("\\", "/").split("/") if part not in ("", ".", ".."))
