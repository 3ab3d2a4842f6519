"""The protocol's bytes: what comes in is cut into messages, what goes out is written by a thread of its own.

Ours instead of pygls' loop, which blocks on a client that reads nothing, waits for its reader's thread at the end, dies
of a header written in lower case and of a body that is cut off. A body that is no JSON is answered and costs nothing
else; half a header is waited for.
"""
