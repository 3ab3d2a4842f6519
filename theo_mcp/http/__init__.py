"""JSON and server-sent events over HTTP: the only package that knows the HTTP library."""
