"""`python -m tests.l7proxy.limited '{"head_s": 0.5}' reverse ...`: with limits that a test can wait for."""

from __future__ import annotations

import dataclasses
import json
import sys

from l7proxy import __main__ as command
from l7proxy.limits import Limits

if __name__ == "__main__":
    limits, said = Limits(**json.loads(sys.argv.pop(1))), command.configuration
    command.configuration = lambda *given: dataclasses.replace(said(*given), limits=limits)
    command.main()
