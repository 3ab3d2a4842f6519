"""What a person does again and again."""

from __future__ import annotations

import json
from pathlib import Path

from tests.playground.chromium import Page


async def ask(page: Page, prompt: str) -> None:
    """Writes a prompt and sends it."""
    await page.set("#prompt", prompt)
    await page.click("#send")


async def choose(page: Page, file: Path) -> None:
    """Chooses a file to upload."""
    await page.click("#endpoint-upload")
    root = (await page.send("DOM.getDocument"))["root"]["nodeId"]
    found = await page.send("DOM.querySelector", nodeId=root, selector="#field-file")
    await page.send("DOM.setFileInputFiles", nodeId=found["nodeId"], files=[str(file)])
    await page.until(f"document.querySelector('.field.file').innerText.includes({json.dumps(file.name)})")
