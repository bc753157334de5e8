"""`xt set tags`, `xt set notes`, `xt clear tags`: annotate runs and jobs; and `xt clear cache`.

A job's name, range or wildcard annotates jobs; elsewhere `job12` in a run list means its runs.
"""

import argparse
import sys
from collections.abc import Sequence

from xt_core.annotations import Change, Tags, annotate
from xt_core.cli.cache import clear_cache
from xt_core.cli.names import named_records, split_names
from xt_core.cli.nouns import Noun, run_noun
from xt_core.cli.parser import Parser, add_workspace
from xt_core.cli.talk import emit_json
from xt_core.errors import ExitCode, UsageError
from xt_core.session import Session
from xt_core.tags import parse_tags

_EXAMPLES = (
    "xt set tags run3 run5 best lr-note=high   tags of two runs",
    "xt set tags job12 baseline                a tag of a job, not of its runs",
    "xt set notes run3 'diverged after epoch 4'",
    "xt set notes job12 -                      the text from standard input",
    "xt clear tags run3 best                   one tag of a run",
    "xt clear tags run3.* --all                all tags of these runs",
    "xt clear cache                            downloads that no living run needs",
)


def main(argv: list[str]) -> int:
    if argv[0] == "set":
        run_noun(argv, "set tags or notes of runs and jobs", _SET, _EXAMPLES[:4])
    else:
        run_noun(argv, "clear tags of runs and jobs, or downloads", _CLEAR, _EXAMPLES[4:])
    return ExitCode.OK


def _add_words(parser: Parser, others: str, text: str) -> None:
    names = "run3,run7-run9,run35.*,job12, several too (- reads them)"
    parser.add_argument("words", nargs="+", metavar=f"NAMES {others}", help=f"{names}; then {text}")
    add_workspace(parser)


def _add_tags(parser: Parser) -> None:
    _add_words(parser, "TAGS", "tags, as best,lr=0.1 or best lr=0.1")


def _add_text(parser: Parser) -> None:
    _add_words(parser, "TEXT", "the text; - reads it from standard input")


def _add_tags_or_all(parser: Parser) -> None:
    _add_words(parser, "TAGS", "names of tags, as best,lr or best lr")
    parser.add_argument("--all", action="store_true", help="every tag")


def _add_nothing(parser: Parser) -> None:
    pass


def _set_tags(session: Session, options: argparse.Namespace) -> None:
    names, tags = split_names(options.words)
    new = parse_tags(",".join(tags))
    if not new:
        raise UsageError("no tag is given", "as in xt set tags run3 best")
    named = _annotate(session, names, lambda tags: {"tags": tags | new})
    _tell(options, "tags", named, "set")


def _set_notes(session: Session, options: argparse.Namespace) -> None:
    names, others = split_names(options.words[:-1])
    words = [*others, *options.words[-1:]]
    if not names:
        raise UsageError("no text is given", "as in xt set notes run3 'diverged after epoch 4'")
    if names == words == ["-"]:
        raise UsageError("names and text cannot both come from standard input")
    text = sys.stdin.read() if words == ["-"] else " ".join(words)
    notes = text.encode("utf-8", "backslashreplace").decode()
    named = _annotate(session, names, lambda tags: {"notes": notes})
    _tell(options, "notes", named, "set")


def _clear_tags(session: Session, options: argparse.Namespace) -> None:
    names, words = split_names(options.words)
    if options.all == bool(words):
        raise UsageError("name the tags to clear, or give --all", "xt clear --help has examples")
    gone = {name.strip() for name in ",".join(words).split(",")}

    def cleared(tags: Tags) -> dict[str, object]:
        return {"tags": {} if options.all else {n: v for n, v in tags.items() if n not in gone}}

    _tell(options, "tags", _annotate(session, names, cleared), "cleared")


def _annotate(session: Session, names: Sequence[str], change: Change) -> list[str]:
    """Change each run or job named, all or none of them; their names."""
    runs, jobs = named_records(session, names)
    annotate(session.store, runs, jobs, change)
    return [*(job.name for job in jobs), *(run.name for run in runs)]


def _tell(options: argparse.Namespace, what: str, named: list[str], done: str) -> None:
    if options.json:
        emit_json({"changed": named})
    else:
        print(f"{what} of {', '.join(named)} {done}")


_SET: dict[str, Noun] = {
    "tags": Noun("tags of runs and jobs", "NAMES TAGS", _add_tags, _set_tags),
    "notes": Noun("notes of runs and jobs", "NAMES TEXT", _add_text, _set_notes),
}
_CLEAR: dict[str, Noun] = {
    "tags": Noun("tags of runs and jobs", "NAMES [TAGS]", _add_tags_or_all, _clear_tags),
    "cache": Noun("data, models and code that no living run needs", "", _add_nothing, clear_cache),
}
