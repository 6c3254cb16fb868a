"""`python -m experiments`: what `./lab` becomes."""

from experiments.cli import main

if __name__ == "__main__":
    main()
