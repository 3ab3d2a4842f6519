"""The MCP face: tools in, results out. It asks a `Backend` and knows nothing of what is behind it."""
