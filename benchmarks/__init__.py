"""HOW FAST: one file a question whose answer is a time, and the way of measuring that they share.

Rules of this room:

1. A benchmark is an experiment (experiments/experiment.py): the same options, the same envelope. One that needs no
   network has none.
2. What is compared is measured in one run, in rounds: everything once, in an order that is shuffled anew, and again.
   What is reported is the median and the range; ratios are taken within a round (rounds.py).
3. No test asserts a time. Tests run a benchmark small and look at what it says of given figures.
"""
