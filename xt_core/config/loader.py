"""The layers of the configuration: defaults, files, environment, options; the later wins."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from xt_core.config.paths import dotted, property_at, split
from xt_core.config.properties import ELEMENT, Keys, Kind, Property, Setting, Table
from xt_core.config.schema import SCHEMA, defaults, properties
from xt_core.config.settings import Config
from xt_core.config.values import check, parse_text, quoted
from xt_core.errors import ConfigError, UsageError
from xt_core.home import Home

PROJECT_FILE = "xt_config.yaml"
FILE_VARIABLE = "XT_CONFIG_FILE"

_USERNAME: Keys = ("general", "username")
_LOGIN_VARIABLES = ("LOGNAME", "USER", "LNAME", "USERNAME")


def load_config(
    home: Home,
    cwd: Path,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] | None = None,
) -> Config:
    """The configuration as seen from a folder.

    `overrides` are command options by dotted path; None stands for an option that was not given.
    An empty environment variable counts as unset. Raises ConfigError for a mistake in a file or
    the environment, UsageError for one in an option, UnknownNameError for an unknown path.
    """
    layers = list(defaults())
    for file in config_files(home, cwd, environ):
        layers += _file_layer(file)
    layers += _environment_layer(environ)
    layers += _option_layer(overrides or {})
    return Config(_with_login_name(layers, environ))


def config_files(home: Home, cwd: Path, environ: Mapping[str, str]) -> list[Path]:
    """The files that make up the configuration seen from a folder, the strongest last.

    Raises ConfigError when the file that XT_CONFIG_FILE names does not exist.
    """
    user_file = [home.config_file] if os.path.lexists(home.config_file) else []
    named = environ.get(FILE_VARIABLE)
    if named:
        file = cwd.absolute() / named
        if not os.path.lexists(file):
            raise ConfigError(
                f"{FILE_VARIABLE} names {file}, which does not exist",
                f"correct {FILE_VARIABLE}, or unset it",
            )
        return [*user_file, file]
    folder = cwd.absolute()
    candidates = (parent / PROJECT_FILE for parent in (folder, *folder.parents))
    nearest = next(filter(os.path.lexists, candidates), None)
    return user_file if nearest is None else [*user_file, nearest]


def _file_layer(file: Path) -> list[Setting]:
    from xt_core.config.document import parse_settings, read_text

    return parse_settings(read_text(file), file)


def _environment_layer(environ: Mapping[str, str]) -> Iterator[Setting]:
    for keys, declared in properties():
        text = environ.get(declared.env) if declared.env else None
        if not text:
            continue
        try:
            value = parse_text(declared, text)
        except ValueError as error:
            raise ConfigError(
                f"the environment variable {declared.env} {error}", f"it sets {dotted(keys)}"
            ) from None
        yield Setting(keys, value, f"environment {declared.env}")


def _option_layer(overrides: Mapping[str, object]) -> Iterator[Setting]:
    for path, value in overrides.items():
        if value is None:
            continue
        keys = split(path)
        declared = property_at(keys)
        if declared is None:
            raise UsageError(f"{path} is not a single setting", "name one of its properties")
        option = _option_name(keys)
        for setting_keys, item_declared, item in _leaves(keys, declared, value, option):
            try:
                checked = check(item_declared, item)
            except ValueError as error:
                raise UsageError(f"{option} {error}", f"it sets {path}") from None
            yield Setting(setting_keys, checked, f"option {option}")


def _leaves(
    keys: Keys, declared: Property, value: object, option: str
) -> Iterator[tuple[Keys, Property, object]]:
    if declared.kind is not Kind.MAPPING:
        yield keys, declared, value
        return
    if not isinstance(value, Mapping):
        raise UsageError(f"{option} must be a mapping of names to text, not {value!r}")
    for name, item in value.items():
        if declared.pattern is not None and not declared.pattern.fullmatch(str(name)):
            what = f"a name given to {option} must be {declared.pattern_help}"
            raise UsageError(f"{what}, not {quoted(str(name))}")
        yield (*keys, str(name)), ELEMENT, item


def _option_name(keys: Keys) -> str:
    """``--team`` for general.xt-team-name; for a name in a mapping, that of the mapping."""
    depth = 3 if isinstance(SCHEMA[keys[0]], Table) else 2
    declared = property_at(keys[:depth])
    return f"--{(declared.option if declared else None) or keys[:depth][-1]}"


def _with_login_name(layers: Iterable[Setting], environ: Mapping[str, str]) -> Iterator[Setting]:
    for setting in layers:
        if setting.keys == _USERNAME and "$username" in str(setting.value):
            value = str(setting.value).replace("$username", login_name(environ))
            yield Setting(setting.keys, value, setting.origin)
        else:
            yield setting


def login_name(environ: Mapping[str, str]) -> str:
    """The login name: from the environment, else the system's record, else the user's number."""
    for variable in _LOGIN_VARIABLES:
        if environ.get(variable):
            return environ[variable]
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid{os.getuid()}"
