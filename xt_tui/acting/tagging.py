"""Tags of the chosen runs, set and cleared as by `xt set tags` and `xt clear tags`."""

from typing import TYPE_CHECKING

from xt_core.errors import XTError
from xt_core.model.records import Run, Value
from xt_core.query.formats import counted
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_core.tags import parse_tags
from xt_tui.acting.steering import Acted
from xt_tui.screens.ask import AskScreen

if TYPE_CHECKING:
    from xt_tui.app import XtApp


def ask_for_tags(app: "XtApp") -> None:
    """Ask which tags the chosen runs get or lose, and change them in a thread."""
    runs = app.main.meant_runs
    what = runs[0].name if len(runs) == 1 else counted(len(runs), "run")
    hint = "best, note=high gives tags; -best takes one away"

    def answered(text: str | None) -> None:
        if text:
            new, gone = parse_change(text)
            app.run_worker(
                lambda: app.post_message(_change(app.session, runs, new, gone)),
                thread=True,
                group="act",
                description="tags",
                exit_on_error=False,
            )

    app.push_screen(AskScreen(f"Tags of {what}", hint, parse_change), answered)


def parse_change(text: str) -> tuple[dict[str, Value], list[str]]:
    """Tags to set, and names of tags to clear. Raises UsageError."""
    parts = [part.strip() for part in text.split(",")]
    gone = [part[1:].strip() for part in parts if part.startswith("-")]
    return parse_tags(",".join(part for part in parts if not part.startswith("-"))), gone


def _change(session: Session, runs: list[Run], new: dict[str, Value], gone: list[str]) -> Acted:
    store = session.store
    try:
        with store.batch():  # what is read is what is changed, whoever writes beside us
            for run in runs:
                tags = store.run(run.workspace, run.name).tags | new
                kept = {name: value for name, value in tags.items() if name not in gone}
                store.change_run(RunChange(run.workspace, run.name, fields={"tags": kept}))
    except XTError as error:
        return Acted("", [], error)
    return Acted(f"tags of {counted(len(runs), 'run')} set", [])
