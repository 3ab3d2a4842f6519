"""``python -m tests.training``: embeds the prompts, trains the head, writes it, and says how well it does."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json

import numpy as np

from tests.training.fit import Fit, fit
from tests.training.prompts import HERE, MODES, read
from tests.training.table import Judged, Probabilities, judged, table
from theo_mcp.engine.intent import head
from theo_mcp.engine.intent.child import PACKAGE, Model

_INTRODUCTION = """# How well modes are found

Printed by `python -m tests.training`: the share of prompts whose mode is found. The hard prompts were written before
the others, nothing was trained on them, and penalty and temperature were chosen without them. Dev is cross-validation:
each prompt is judged by a head that was not trained on it, but often on one of the same kind in another language, so
it flatters.
"""


def main() -> None:
    model = Model()
    prompts = read("prompts.tsv")
    trained = fit(
        np.array([model.vector(head.excerpt(each.text)) for each in prompts]),
        np.array([MODES.index(each.mode) for each in prompts]),
        [(each.mode, each.language) for each in prompts],
    )
    head.PATH.write_text(_head(trained, hashlib.sha256(model.weights.read_bytes()).hexdigest()), encoding="utf-8")
    head.load.cache_clear()
    unseen = [Judged(each, _named(row)) for each, row in zip(prompts, trained.unseen.tolist(), strict=True)]
    made = f"Penalty {trained.penalty:g}, temperature {trained.temperature:g}, {PACKAGE} {_version()}"
    size = f"head of {head.PATH.stat().st_size // 1000} kB."
    tables = [table("Hard", judged(model, read("hard.tsv"))), table("Dev", unseen)]
    text = "\n".join([_INTRODUCTION, *tables, f"{made}, {size}", ""])
    (HERE / "TABLE.md").write_text(text, encoding="utf-8")
    print(text)  # noqa: T201


def _head(trained: Fit, sha256: str) -> str:
    facts = {"package": PACKAGE, "version": _version(), "sha256": sha256, "modes": MODES}
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}," for name, value in facts.items()]
    rows = ",\n".join(f"    {json.dumps(row)}" for row in trained.weights)
    return "\n".join(["{", *lines, f'  "bias": {json.dumps(trained.bias)},', f'  "weights": [\n{rows}\n  ]', "}", ""])


def _named(row: list[float]) -> Probabilities:
    return dict(zip(MODES, row, strict=True))


def _version() -> str:
    return importlib.metadata.version(PACKAGE)


if __name__ == "__main__":
    main()
