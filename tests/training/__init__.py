"""The head of the intent classifier: its data, how it is trained, and how well it does.

What each mode means; every prompt here is labelled by these lines alone:

- fast: a short, direct answer is enough: a fact, a word, a translation, a line of text, a greeting.
- think: the answer has to be worked out: a decision with trade-offs, a puzzle, a calculation of several steps, causes.
- code: the answer is a program, a query, a command or a correction of one.
- roast: the person wants to be teased or to have someone teased, without mercy and for fun.
- genui: the answer is something to operate on a screen: to fill in, choose, filter, click.
- image: the answer is one still thing to look at.
- video: the answer moves: footage, animation, an advertisement with scenes.
- research: the answer is gathered from what others published: the state of knowledge, a market, a report with proof.

`hard.tsv` was written before any training data, from these lines, and is never trained or tuned on. Its prompts name no
mode by a cue word (`cues.py`); a *trap* has the cue word of another mode. `prompts.tsv` is what the head learns from.
No four words in a row stand in both.
"""
