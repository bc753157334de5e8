"""`xt set tags`, `xt set notes`, `xt clear tags`: annotate runs and jobs.

A job's name annotates the job itself; `job12` in a run list elsewhere means its runs.
"""

import argparse
import sys
from collections.abc import Callable

from xt_core.cli.names import chosen_runs
from xt_core.cli.parser import add_workspace, command_parser
from xt_core.cli.talk import emit_json
from xt_core.errors import ExitCode, UsageError
from xt_core.model.names import JOB_NAME
from xt_core.model.records import Value
from xt_core.session import Session
from xt_core.stats.store import RunChange
from xt_core.submit.submission import parse_tags

_SET_EXAMPLES = (
    "xt set tags run3,run5 best,lr-note=high   tags of two runs",
    "xt set tags job12 baseline                a tag of a job",
    "xt set notes run3 'diverged after epoch 4'",
    "xt set notes job12 -                      the text from standard input",
)
_CLEAR_EXAMPLES = (
    "xt clear tags run3 best      one tag of a run",
    "xt clear tags run3.* --all   all tags of these runs",
)
Tags = dict[str, Value]


def main(argv: list[str]) -> int:
    options = _parse(argv)
    overrides = {"general.workspace": options.workspace} if options.workspace else {}
    session = Session(overrides=overrides)
    if options.what == "notes":
        text = sys.stdin.read() if options.value == "-" else options.value
        named = _annotate(session, options.names, None, text)
    elif argv[0] == "set":
        new = parse_tags(options.value)
        if not new:
            raise UsageError("no tag is given", "as in xt set tags run3 best")
        named = _annotate(session, options.names, lambda tags: tags | new, None)
    else:
        named = _annotate(session, options.names, _remover(options), None)
    if options.json:
        emit_json({"changed": named})
    else:
        print(f"{options.what} of {', '.join(named)} {'set' if argv[0] == 'set' else 'cleared'}")
    return ExitCode.OK


def _parse(argv: list[str]) -> argparse.Namespace:
    if argv[0] == "set":
        usage = "xt set tags NAMES TAGS | notes NAMES TEXT  [OPTIONS]"
        parser = command_parser(
            "set", "set tags or notes of runs and jobs", _SET_EXAMPLES, usage=usage
        )
        parser.add_argument("what", choices=("tags", "notes"))
        parser.add_argument("names", metavar="NAMES")
        parser.add_argument("value", metavar="TAGS|TEXT")
    else:
        usage = "xt clear tags NAMES [TAGS] [OPTIONS]"
        parser = command_parser(
            "clear", "clear tags of runs and jobs", _CLEAR_EXAMPLES, usage=usage
        )
        parser.add_argument("what", choices=("tags",))
        parser.add_argument("names", metavar="NAMES")
        parser.add_argument("value", nargs="?", metavar="TAGS")
        parser.add_argument("--all", action="store_true", help="every tag")
    add_workspace(parser)
    return parser.parse_args(argv[1:])


def _remover(options: argparse.Namespace) -> Callable[[Tags], Tags]:
    if options.all == (options.value is not None):
        raise UsageError("name the tags to clear, or give --all", "xt clear --help has examples")
    gone = {name.strip() for name in (options.value or "").split(",")}
    return lambda tags: {} if options.all else {n: v for n, v in tags.items() if n not in gone}


def _annotate(
    session: Session, names: str, retag: Callable[[Tags], Tags] | None, notes: str | None
) -> list[str]:
    """Change each run or job named, in one go; their names."""
    store = session.store
    texts = names.split(",")
    jobs = [text.strip() for text in texts if JOB_NAME.fullmatch(text.strip())]
    run_texts = [text for text in texts if text.strip() not in jobs]
    runs = chosen_runs(session, run_texts, parents=None) if run_texts else []
    with store.batch():  # what is read is what is changed, whoever writes beside us
        for name in jobs:
            job = store.job(name)
            store.update_job(name, **_fields(job.tags, retag, notes))
        for run in runs:
            tags = store.run(run.workspace, run.name).tags
            change = RunChange(run.workspace, run.name, fields=_fields(tags, retag, notes))
            store.change_run(change)
    return [*jobs, *(run.name for run in runs)]


def _fields(
    tags: Tags, retag: Callable[[Tags], Tags] | None, notes: str | None
) -> dict[str, object]:
    if retag is not None:
        return {"tags": retag(tags)}
    return {"notes": (notes or "").encode("utf-8", "backslashreplace").decode()}
