"""From a model's raw answer to edits of a document: what is placed, where, and whether it may be applied unseen.

Pure: text comes in, text and changes go out. Nothing here reads a file, speaks the protocol or knows an editor.
"""
