"""The table of commands: what `xt --help`, the dispatcher and shell completion go by.

Nothing is imported here but what is named; a command's module is imported when it is run.
"""

from typing import NamedTuple


class Command(NamedTuple):
    """One command. `module` lies in `xt_core.cli` and has ``main(argv) -> int``."""

    name: str
    module: str
    summary: str
    group: str
    nouns: tuple[str, ...] = ()
    """The words that may follow, for commands such as `xt list runs`."""


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("run", "run", "submit a job: a script, or a search", "Work"),
        Command("rerun", "rerun", "submit a run or a job again, as it was or changed", "Work"),
        Command("attach", "attach", "replay and follow a run's output", "Work"),
        Command(
            "cancel", "cancel", "cancel runs, jobs or everything", "Work",
            ("run", "job", "node", "all"),
        ),
        Command(
            "restart", "restart", "simulate a service restart of a job's runs, or of some", "Work",
            ("controller",),
        ),
        Command(
            "stop", "stop", "let the controllers of nodes end; runs live on", "Work",
            ("controller",),
        ),
        Command("status", "status", "what runs now, live from the controller", "Work"),
        Command(
            "list", "list_", "reports of runs, jobs and more", "Reports",
            ("runs", "jobs", "nodes", "targets", "boxes", "teams", "shares", "workspaces",
             "experiments", "events"),
        ),
        Command(
            "view", "view", "one thing, whole", "Reports",
            ("run", "job", "metrics", "events", "log", "console", "output", "config", "team"),
        ),
        Command("compare", "compare", "runs side by side: what differs", "Reports"),
        Command("plot", "plot", "metric curves in the terminal", "Reports"),
        Command("tensorboard", "tensorboard", "runs as event files of TensorBoard", "Reports"),
        Command("sync", "sync", "bring home what runs on boxes have done", "Boxes"),
        Command("ssh", "ssh", "a shell, or a command, on a box", "Boxes"),
        Command("scp", "scp", "copy files from and to a box", "Boxes"),
        Command("set", "annotate", "set tags or notes", "Annotate", ("tags", "notes")),
        Command("clear", "annotate", "clear tags, or downloads", "Annotate", ("tags", "cache")),
        Command("archive", "archive", "put runs and jobs away; nothing is deleted", "Annotate"),
        Command("unarchive", "archive", "bring runs and jobs back", "Annotate"),
        Command("create", "create", "make the services of a new team", "Set up", ("team",)),
        Command("use", "use", "choose the team to work with", "Set up", ("team",)),
        Command("team", "team", "test the services of a team", "Set up", ("check",)),
        Command(
            "box", "box", "the machines that are reached over SSH", "Set up",
            ("add", "check", "prepare", "remove"),
        ),
        Command("login", "login", "sign in to cloud services, for this session", "Set up"),
        Command("logout", "logout", "forget this session's sign-in and secrets", "Set up"),
        Command("config", "config", "create and change settings", "Set up", ("create", "set")),
        Command("keys", "keys", "actions of the terminal UI, and their keys", "Set up"),
        Command("completion", "completion", "shell completion for bash, zsh, fish", "Set up"),
        Command("tui", "tui", "the terminal UI, read-only or in a browser if so wanted", "Set up"),
        Command("demo", "demo", "a real search on this machine, watched live", "Set up"),
    )
}  # fmt: skip
