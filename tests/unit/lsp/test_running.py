"""An action from the menu to the applied edit."""

from __future__ import annotations

from tests.unit.lsp.client import Editor

URI = "file:///project/app.py"
CODE = "import os\n\n# Add two numbers.\n\nprint(os.name)\n"


async def test_code_is_generated_below_the_comment(editor: Editor) -> None:
    await editor.open(URI, CODE)

    entry = await editor.entry("Theo: Generate", URI, (2, 3))
    answer = await editor.run(entry)
    ended = await editor.ended(answer["result"]["jobId"])

    assert editor.texts[URI] == (
        "import os\n\n# Add two numbers.\ndef add(a, b):\n    return a + b\n\nprint(os.name)\n"
    )
    assert ended.startswith("applied")
