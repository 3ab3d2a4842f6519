"""The program inside a sandbox's child. It runs without this package: see `serve`."""
