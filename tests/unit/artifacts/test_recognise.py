"""What kind of text a generation is, and which files it holds."""

from __future__ import annotations

import base64
import time

import pytest

from theo_mcp.artifacts.recognise import files_in, recognise
from theo_mcp.wire.words import CodeLanguage, OutputType

VUE = "<template>\n  <p>{{ a }}</p>\n</template>\n\n<script setup>\nconst a = 1\n</script>\n"


@pytest.mark.parametrize(
    ("text", "asked", "language", "kind", "extension", "mime"),
    [
        ("<!DOCTYPE html>\n<html></html>", "website", None, "html", "html", "text/html"),
        ("\ufeff\n<!-- made --><HTML>", "website", "html", "html", "html", "text/html"),
        ("<div class='x'>Hi</div>", "website", "auto", "html", "html", "text/html"),
        ("<svg xmlns='http://www.w3.org/2000/svg'/>", "chart", None, "svg", "svg", "image/svg+xml"),
        ('<?xml version="1.0"?>\n<svg:svg/>', "chart", None, "svg", "svg", "image/svg+xml"),
        ('{"type": "bar", "data": [1]}', "chart", None, "json", "json", "application/json"),
        ("[1, 2]\n", "api", "python", "json", "json", "application/json"),
        ("month,sold\nMay,3\nJune,5\n", "excel", None, "csv", "csv", "text/csv"),
        ('name;note\n"a; b";"x\ny"\n', "chart", None, "csv", "csv", "text/csv"),
        ("a\tb\n1\t2", "excel", None, "csv", "csv", "text/csv"),
        ("# Report\n\nSome words.", "pdf", None, "markdown", "md", "text/markdown"),
        ("Some words.\n\n```py\nx\n```\nand more", "word", None, "markdown", "md", "text/markdown"),
        ("from fastapi import FastAPI\n\napp = FastAPI()\n", "api", "python", "python", "py", "text/x-python"),
        ("# An API\nimport os\n", "api", None, "python", "py", "text/x-python"),
        ("class A:\n    b = 1\n", "api", None, "python", "py", "text/x-python"),
        ("class A extends B {\n  c() {}\n}\n", "api", "nodejs", "javascript", "js", "text/javascript"),
        ("interface A {\n  b: string\n}\n", "api", "typescript", "typescript", "ts", "text/x-typescript"),
        ("import x from 'y'\nconst a: number = 1\n", "api", "auto", "typescript", "ts", "text/x-typescript"),
        ("const a = require('a');\n", "api", "nodejs", "javascript", "js", "text/javascript"),
        ("export default function App() {\n  return (\n    <p>Hi</p>\n  )\n}\n", "website", "react", "tsx", "tsx",
         "text/x-tsx"),
        ("import React from 'react'\nexport const A = () => <p/>\n", "website", None, "tsx", "tsx", "text/x-tsx"),
        (VUE, "website", "vue", "vue", "vue", "text/x-vue"),
        (VUE, "website", None, "vue", "vue", "text/x-vue"),
        ("<?php\necho 1;\n", "api", "php", "php", "php", "text/x-php"),
        ("<mjml><mj-body/></mjml>", "email", None, "xml", "mjml", "application/xml"),
        ('<?xml version="1.0"?>\n<feed/>', "api", None, "xml", "xml", "application/xml"),
        ("Dear Anna,\n\nthe plan is ready, as you asked.\n", "email", None, "text", "txt", "text/plain"),
        ("I cannot do that.", "api", "python", "text", "txt", "text/plain"),
        ('{"cut": [1, 2', "chart", None, "text", "txt", "text/plain"),
        ('{"a": NaN}', "chart", None, "text", "txt", "text/plain"),
        ("", "website", None, "text", "txt", "text/plain"),
        (base64.b64encode(b"%PDF-1.7 " * 20).decode(), "pdf", None, "text", "txt", "text/plain"),
        ("%PDF-1.7\n%\u00e2\u00e3", "pdf", None, "text", "txt", "text/plain"),
    ],
)  # fmt: skip
def test_a_text_is_known_by_how_it_begins(
    text: str, asked: OutputType, language: CodeLanguage | None, kind: str, extension: str, mime: str
) -> None:
    found = recognise(text, asked, language)

    assert (found.kind, found.extension, found.mime) == (kind, extension, mime)
    assert found.text == text


@pytest.mark.parametrize(
    ("text", "kind", "extension", "inner"),
    [
        ("```html\n<p>Hi</p>\n```", "html", "html", "<p>Hi</p>\n"),
        ("\n\n```html\r\n<p>Hi</p>\r\n\r\n```\r\n", "html", "html", "<p>Hi</p>\r\n\r\n"),
        ("~~~python\nx = 1\n~~~\n", "python", "py", "x = 1\n"),
        ("````markdown\n# A\n```py\nx\n```\n````", "markdown", "md", "# A\n```py\nx\n```\n"),
        ("```\n{}\n```", "json", "json", "{}\n"),
        ("```xml\n<mjml/>\n```", "xml", "mjml", "<mjml/>\n"),
        ("```html\n<svg/>\n```", "svg", "svg", "<svg/>\n"),
        ("```jsx\nconst a = 1\n```", "javascript", "jsx", "const a = 1\n"),
        ("```vue\n" + VUE + "```", "vue", "vue", VUE),
        ("```rust\nfn main() {}\n```", "text", "txt", "fn main() {}\n"),
        ("```json\n{cut\n```", "text", "txt", "{cut\n"),
        ("```ts\n```", "typescript", "ts", ""),
        ("```python title=\"a.py\"\n  x\n```", "python", "py", "  x\n"),
    ],
)  # fmt: skip
def test_one_fence_around_the_whole_is_taken_off(text: str, kind: str, extension: str, inner: str) -> None:
    found = recognise(text, "website", None)

    assert (found.kind, found.extension, found.text) == (kind, extension, inner)


@pytest.mark.parametrize(
    "text",
    [
        "Here:\n```html\n<p>\n```",
        "```html\n<p>\n```\nThat is it.",
        "```html\n<p>\n```\n```css\np {}\n```",
        "```html\n<p>never closed",
        "````html\n<p>\n```",
        "```html\n<p>\n~~~",
        "```",
        "```\n",
        "  trailing  \r\n\n",
        "<p>\x00\u2028\u2029\x0c</p>\n\n\n",
    ],
)
def test_anything_else_keeps_every_byte(text: str) -> None:
    assert recognise(text, "website", None).text == text


def test_the_language_decides_for_websites_and_apis_only() -> None:
    text = "const a = 1\n"

    assert recognise(text, "website", "typescript").kind == "typescript"
    assert recognise(text, "email", "typescript").kind == "javascript"


def test_the_files_of_a_text_are_those_with_names() -> None:
    text = (
        "Two files.\n\n```ts title=\"src/app.ts\"\nconst a = 1\n```\n\n### `index.html`\n```html\n<p>\n```\n\n"
        "**style.css**\n\n```css\np {}\n```\n```js\n// lib/x.js\nlet x\n```\nRun it:\n```sh\nnpm start\n```\n"
    )  # fmt: skip

    assert files_in(text) == [
        ("src/app.ts", "const a = 1\n"),
        ("index.html", "<p>\n"),
        ("style.css", "p {}\n"),
        ("lib/x.js", "// lib/x.js\nlet x\n"),
    ]


def test_the_name_of_a_file_leads_nowhere_else() -> None:
    text = "```ts title=../../etc/app.ts\nx\n```\n```ts /root/a.ts\ny\n```\n"

    assert [name for name, _ in files_in(text)] == ["etc/app.ts", "root/a.ts"]


def test_a_text_without_fences_has_no_files() -> None:
    assert files_in("# app.py\nimport os\n") == []


MB = 2**20


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "`" * 20 * MB,
        "```" + " " * 20 * MB + "`",
        "~" * 20 * MB + "`",
        "~~~" + " \t" * 10 * MB + "`",
        "[" * 20 * MB,
        '{"a":' * 4 * MB,
        "<!--" * 5 * MB,
        " " * 20 * MB + "<",
        "```\n" + " " * 20 * MB + "\n```",
        "```\n" + "```x" * 5 * MB + "\n```",
        '"' * 20 * MB,
        "1" * 20 * MB,
        "a, " * 7 * MB,
        "class " * 3 * MB,
        "import {" * 3 * MB,
        "|" * 20 * MB,
    ],
    ids=range(16),
)
def test_twenty_megabytes_of_malice_are_read_in_linear_time(text: str) -> None:
    begun = time.process_time()

    recognise(text, "website", "react")
    files_in(text)

    assert time.process_time() - begun < 5


@pytest.mark.slow
def test_many_lines_and_many_fences_are_read_in_linear_time() -> None:
    for text in ("\n" * (MB // 4) + "```", "```\n" * (MB // 8), "a.py\n```\nx\n```\n" * (MB // 32)):
        begun = time.process_time()

        recognise(text, "api", None)
        files_in(text)

        assert time.process_time() - begun < 5
