"""The documented JSON of the two APIs as models: strict when sent, tolerant when read.

This package does no I/O. Names are the documents' own; where the wire is camelCase, the fields carry aliases.
"""
