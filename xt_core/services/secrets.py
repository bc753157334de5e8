"""Texts of the configuration that stand for a secret: ``$env:NAME`` for a variable's value."""

from collections.abc import Mapping

from xt_core.errors import ConfigError
from xt_core.services.team import Service

ENVIRONMENT = "$env:"


def resolved(service: Service, name: str, environ: Mapping[str, str]) -> str | None:
    """A service's property with the secret that it stands for. Raises ConfigError for a variable
    that is not set; the secret itself is in no message."""
    text = service.get(name)
    if text is None or not text.startswith(ENVIRONMENT):
        return text
    variable = text.removeprefix(ENVIRONMENT)
    value = environ.get(variable)
    if not value:
        raise ConfigError(
            f"{service.setting(name)} is {text}, and the variable {variable} is not set",
            f"export {variable}, or write the value itself",
        )
    return value


def variable_of(service: Service, name: str) -> str | None:
    """The variable that holds a property's secret."""
    text = service.get(name)
    is_variable = text is not None and text.startswith(ENVIRONMENT)
    return text.removeprefix(ENVIRONMENT) if text is not None and is_variable else None
