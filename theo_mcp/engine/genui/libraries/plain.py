"""``plain-html``: text, lists, tables and forms as the browser shows them, to be styled by whoever embeds the page."""

from __future__ import annotations

from theo_mcp.engine.genui.libraries import Library

LIBRARY = Library(
    name="plain-html",
    components=frozenset(
        {"section", "form", "heading", "text", "list", "table", "input", "select", "button", "link", "image", "divider"}
    ),
    style=":root{color-scheme:light dark}body{max-width:48rem;margin:2rem auto;padding:0 1rem}"
    "form p{margin:.75rem 0}label{display:block}table{border-collapse:collapse}"
    "th,td{border:1px solid;padding:.25rem .5rem}",
)
