"""Ryu's own runner, with an eventlet of today: `python -m controller.ryu_manager controller/l3.py`.

`ryu-manager` itself ends with an ImportError, for it asks eventlet for a name that is gone, and does so before
an app of ours could put it back (framework.py does). All its words work here, `--ofp-tcp-listen-port 6654` too.
"""

from __future__ import annotations

import sys

from layerlab import LabError


def main() -> None:
    """Run Ryu's runner. An error of ours is exit code 2 and no traceback."""
    try:
        from controller import framework  # may already be one

        framework.command(sys.argv[1:])
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
