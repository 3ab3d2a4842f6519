"""Writes the edits of the golden files anew: `python -m tests.golden [NAME …]`. Read the difference before a commit."""

from __future__ import annotations

import sys

from tests.golden.case import cases

for case in cases():
    if not sys.argv[1:] or any(name in case.path.name for name in sys.argv[1:]):
        case.path.write_text(case.written, encoding="utf-8")
