"""Honest little servers with knobs, over real sockets. What they check is written from the documents, not from us."""
