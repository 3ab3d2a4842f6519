"""Writes the transcript anew: ``python -m tests.transcripts``. Reading the diff is the review."""

from __future__ import annotations

import tempfile
from pathlib import Path

import anyio

from tests.transcripts.transcript import FILE, transcript

with tempfile.TemporaryDirectory() as folder:
    FILE.write_text(anyio.run(transcript, Path(folder)), encoding="utf-8")
