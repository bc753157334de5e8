"""Which layers of packages nodes on boxes need: worked out once for all boxes that are alike."""

import threading
from collections.abc import Hashable, Sequence
from pathlib import Path


class BoxLayers:
    """The digests of those layers, as the files of this machine were when it was first asked:
    this process goes on as the XT that it began as. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the home's `bootstrap_dir`."""
        self._folder = folder
        self._digests: dict[Hashable, frozenset[str]] = {}
        self._lock = threading.Lock()

    def of(self, box: str, needs: Sequence[str]) -> frozenset[str] | None:
        """Those for some needs of a box of that name; None if its Python is not known."""
        from xt_core.bootstrap.installation import layer_digests, remembered_python

        python = remembered_python(box, self._folder)
        if python is None:
            return None
        with self._lock:  # of many boxes that are alike one works them out, the others wait
            key = (python, *needs)
            if key not in self._digests:
                self._digests[key] = layer_digests(needs, python)
            return self._digests[key]

    def forget(self) -> None:
        """Look at this machine's files again: they have just been brought to a box."""
        with self._lock:
            self._digests.clear()
