"""The modules of `xt_tui.acting`, each loaded when the first of its functions is called.

The registry names what actions do before any is done; few of them are done on any one day.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xt_tui.acting import again as again
    from xt_tui.acting import appearance as appearance
    from xt_tui.acting import archiving as archiving
    from xt_tui.acting import boxes as boxes
    from xt_tui.acting import charts as charts
    from xt_tui.acting import comparing as comparing
    from xt_tui.acting import console as console
    from xt_tui.acting import controllers as controllers
    from xt_tui.acting import files as files
    from xt_tui.acting import lineage as lineage
    from xt_tui.acting import palette as palette
    from xt_tui.acting import steering as steering
    from xt_tui.acting import tables as tables
    from xt_tui.acting import tagging as tagging
    from xt_tui.acting import teams as teams
else:
    from importlib import import_module

    class _Late:
        """Stands for a module; what is asked of it is a function of the module, to be called."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, function: str) -> Any:
            def call(*arguments: Any, **named: Any) -> Any:
                return getattr(import_module(self._name), function)(*arguments, **named)

            return call

    def __getattr__(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Late(f"xt_tui.acting.{name}")
