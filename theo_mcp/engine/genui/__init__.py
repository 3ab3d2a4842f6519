"""The mode genui: a tree of components that is validated before it is shown, and rendered by our own code."""
