"""``python -m xt_core`` is ``xt``."""

import os
import sys

# Python searches the current folder first, where a user's logging.py would take the place of ours.
_ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if not sys.flags.safe_path and os.path.abspath(sys.path[0]) != _ours:
    del sys.path[0]

from xt_core.cli.main import entry_point  # noqa: E402

entry_point()
