"""Files that come with XT beside its code: the example, the UI's stylesheet."""

import sys
from pathlib import Path

from xt_core.errors import UnavailableError


def resource(name: str) -> Path:
    """A file or folder of the distribution, by its path in the repository.

    It lies beside the packages in a checkout, and under ``share/xt`` once installed.
    Raises UnavailableError.
    """
    for root in (Path(__file__).parent.parent, Path(sys.prefix) / "share" / "xt"):
        if (root / name).exists():
            return root / name
    raise UnavailableError(f"this installation of XT lacks {name}", "install it again")
