"""``python -m xt_core`` is ``xt``."""

from xt_core.cli.main import entry_point

entry_point()
