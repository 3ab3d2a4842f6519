"""Skills: folders in the open Agent Skills form, from the places where this machine keeps them.

A skill is text for the model, and definitions of tools. Nothing of it is ever run: a script in its folder stays a file.
"""
