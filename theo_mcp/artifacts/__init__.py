"""What a generation is and what a person sees of it: the kind of a text, the files in it, a small picture of an image.

Nothing here runs or renders what a model wrote, and no image is decoded in this process.
"""
