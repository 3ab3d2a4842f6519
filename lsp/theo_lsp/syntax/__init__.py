"""What a document is made of, by a parser of its language; the parser itself runs in a child process alone."""
