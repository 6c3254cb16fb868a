"""`python -m tests.l7proxy.limited '{"head_s": 0.5}' --services ...`: with limits that a test can wait for."""

from __future__ import annotations

import json
import sys

from l7proxy import __main__ as command
from l7proxy.limits import Limits

if __name__ == "__main__":
    asked = json.loads(sys.argv.pop(1))
    command.Limits = lambda: Limits(**asked)
    command.main()
