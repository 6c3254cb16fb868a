"""The tests: same paths as the code. `./lab test` runs them all; see conftest.py for the live ones."""
