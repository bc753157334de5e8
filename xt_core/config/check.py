"""Whether a configuration is right: each of its layers, and what one setting says of another."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from xt_core.config.document import parse_settings, read_text
from xt_core.config.loader import config_files, load_config
from xt_core.config.settings import Config
from xt_core.errors import ConfigError, XTError
from xt_core.home import Home, may_be_box


def problems(home: Home, cwd: Path, environ: Mapping[str, str]) -> list[ConfigError]:
    """What is wrong with the configuration as seen from a folder, each with its place.

    Of each file its first mistake; what files say together only once each is right by itself.
    """
    try:
        files = config_files(home, cwd, environ)
    except XTError as error:
        return [_located(error, "")]
    found = [problem for file in files if (problem := _problem_of(file)) is not None]
    if found:
        return found
    try:
        config = load_config(home, cwd, environ)
    except XTError as error:
        return [_located(error, "")]
    return [
        *_references(config),
        *_boxes(config),
        *_teams(home, cwd, environ, config),
        *_early_stopping(config),
    ]


def _problem_of(file: Path) -> ConfigError | None:
    try:
        parse_settings(read_text(file), file)
    except ConfigError as error:
        return error
    return None


def _references(config: Config) -> Iterator[ConfigError]:
    """Names of what is not there."""
    try:
        config.target()
    except XTError as error:
        yield _located(error, config.origin("xt-services.target"))
    for table in ("compute-targets", "boxes"):
        for name in config.get(table):
            try:
                config.setup_of(f"{table}.{name}")
            except ConfigError as error:
                yield error


def _boxes(config: Config) -> Iterator[ConfigError]:
    """What a box may not have, and pools that cannot be used, though each of their boxes can."""
    from xt_core.submit.targets import check_box, check_target

    wrong = set()
    for name in config.get("boxes"):
        if config.box(name).address is None and may_be_box(name):  # as long as no pool names it
            continue
        try:
            check_box(config, name)
        except XTError as error:
            wrong.add(name)
            yield _located(error, _place(config, f"boxes.{name}"))
    for name in config.get("compute-targets"):
        target = config.target(name)
        if wrong.isdisjoint(target.boxes):
            try:
                check_target(config, target)
            except XTError as error:
                yield _located(error, _place(config, f"compute-targets.{name}"))


def _place(config: Config, section: str) -> str:
    """Where a section begins, as far as a file says."""
    origins = config.origin(section).split(", ")
    return next((each for each in origins if each != "default"), section)


def _teams(
    home: Home, cwd: Path, environ: Mapping[str, str], config: Config
) -> Iterator[ConfigError]:
    """Services that are not there, or of another kind; a team in use that is not there."""
    from xt_core.services.team import team_names, team_of

    sections = {name: f"teams.{name}" for name in team_names(config) if name in config.get("teams")}
    for name in dict.fromkeys([*sections, config.optional_string("general.xt-team-name")]):
        chosen = load_config(home, cwd, environ, {"general.xt-team-name": name})
        section = "xt-services" if name is None else sections.get(name, "general.xt-team-name")
        try:
            team_of(chosen)
        except ConfigError as error:
            yield error
        except XTError as error:
            origins = config.origin(section).split(", ")
            yield _located(error, ", ".join(each for each in origins if each != "default"))


def _early_stopping(config: Config) -> Iterator[ConfigError]:
    from xt_core.search.stopping import policy_from_settings

    settings = config.get("early-stopping")
    if settings["early-policy"] != "none":
        try:
            policy_from_settings(settings, True, 0)
        except XTError as error:
            yield _located(error, config.origin("early-stopping.early-policy"))


def _located(error: XTError, origin: str) -> ConfigError:
    """The error with the place that it comes from, unless it tells that itself."""
    place = f"{origin}: " if origin and origin not in error.message else ""
    return ConfigError(f"{place}{error.message}", error.hint)
