"""What attackers send, as data: tables that say of each message what becomes of it. stage.py plays them.

     requests.py   what a client sends: refused, broken off in its body, or passed on
     answers.py    what a server answers: refused, cut short, or passed on
     found.py      what fuzzers found (fuzz.py): every one was a bug once

Rules kept here:

1. A row is a name, the bytes, and what must become of them; the section that says so stands with it.
2. No row needs a test of its own: what is true of all rows of a table is tested for all of them (test_corpus.py).
"""
