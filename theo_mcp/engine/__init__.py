"""The embedded engine: answers the two documented APIs on the user's machine."""
