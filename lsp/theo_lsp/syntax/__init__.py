"""What a document is made of, told by a parser in a child process."""
