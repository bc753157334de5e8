"""Tags and notes of what is chosen, set and cleared as by `xt set` and `xt clear`."""

from typing import TYPE_CHECKING, Any

from xt_core.annotations import Tags
from xt_core.model.records import Value
from xt_core.query.formats import counted
from xt_core.tags import parse_tags
from xt_tui.acting import annotating
from xt_tui.screens.ask import AskScreen

if TYPE_CHECKING:
    from xt_tui.app import XtApp

_BADGE = "annotating"


def ask_for_tags(app: "XtApp") -> None:
    """Ask which tags the chosen runs, or jobs, get or lose."""
    meant = annotating.meant(app)
    hint = "best, note=high gives tags; -best takes one away"

    def answered(text: str | None) -> None:
        if text:
            new, gone = parse_change(text)

            def changed(tags: Tags) -> dict[str, Any]:
                kept = {name: value for name, value in (tags | new).items() if name not in gone}
                return {"tags": kept}

            count = counted(len(meant.names), "job" if meant.jobs else "run")
            told = f"tags of {count} set"
            annotating.ask_if_many(
                app,
                meant,
                f"Change the tags of {count}",
                f"{text}: what they have by these names now is replaced.",
                "Change tags",
                lambda: annotating.change(app, meant, changed, _BADGE, told),
            )

    app.push_screen(AskScreen(f"Tags of {meant.text}", hint, parse_change), answered)


def parse_change(text: str) -> tuple[dict[str, Value], list[str]]:
    """Tags to set, and names of tags to clear. Raises UsageError."""
    parts = [part.strip() for part in text.split(",")]
    gone = [part[1:].strip() for part in parts if part.startswith("-")]
    return parse_tags(",".join(part for part in parts if not part.startswith("-"))), gone


def ask_for_notes(app: "XtApp") -> None:
    """Let the user write the notes of what is chosen."""
    from xt_tui.screens.note import NoteScreen

    meant = annotating.meant(app)
    known = {record.notes for record in meant.records}
    text = known.pop() if len(known) == 1 else ""
    warning = "they have different notes: what you save replaces all of them" if known else ""

    def answered(written: str | None) -> None:
        if written is not None:
            notes = written.encode("utf-8", "backslashreplace").decode()
            told = f"notes of {meant.text} {'set' if notes else 'cleared'}"
            annotating.ask_if_many(
                app,
                meant,
                f"Change the notes of {meant.text}",
                "The notes that they have now are replaced.",
                "Change notes",
                lambda: annotating.change(app, meant, lambda _: {"notes": notes}, _BADGE, told),
            )

    screen = NoteScreen(f"Notes of {meant.text}", text, warning, app.session.environ)
    app.push_screen(screen, answered)
