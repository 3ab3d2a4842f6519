"""The tools that ``--tools all`` adds: what few assistants need, so that the usual list stays short."""
