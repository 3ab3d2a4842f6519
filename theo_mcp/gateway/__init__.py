"""Both documented APIs over HTTP, answered by the engine on this machine, for the user's own use.

It asks for a key always, and never stands in front of a hosted service: GetCode's terms forbid that, and the command
that starts it connects to the engine alone.
"""
