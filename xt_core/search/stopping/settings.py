"""From the `early-stopping` settings, or the text of ``--early-stopping``, to a policy.

Invariant: a policy is made only of settings that it uses, all of them valid, so a policy that was
made never fails to judge.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xt_core.config.paths import nearest
from xt_core.config.properties import Property, PropertyValue, Section
from xt_core.config.schema import SCHEMA
from xt_core.config.values import check, parse_text
from xt_core.errors import ConfigError, UsageError
from xt_core.search.stopping.halving import AshaStopping, HyperbandStopping
from xt_core.search.stopping.policies import (
    BanditStopping,
    PatienceStopping,
    PercentileStopping,
    StoppingPolicy,
    ThresholdStopping,
    TruncationStopping,
)

SECTION = "early-stopping"
OPTION = f"--{SECTION}"
POLICY = "early-policy"
NONE = "none"
EXAMPLE = "as in asha,min-steps=1,reduction-factor=3"

_TIMING = ("delay-evaluation", "evaluation-interval")
_HALVING = ("delay-evaluation", "min-runs", "reduction-factor", "min-steps", "max-steps")
_POLICIES: dict[str, tuple[type[StoppingPolicy], tuple[str, ...]]] = {
    "median": (PercentileStopping, (*_TIMING, "min-runs")),
    "percentile": (PercentileStopping, (*_TIMING, "min-runs", "percentile")),
    "truncation": (TruncationStopping, (*_TIMING, "min-runs", "truncation-percentage")),
    "bandit": (BanditStopping, (*_TIMING, "min-runs", "slack-factor", "slack-amount")),
    "asha": (AshaStopping, _HALVING),
    "hyperband": (HyperbandStopping, _HALVING),
    "threshold": (ThresholdStopping, (*_TIMING, "lower", "upper")),
    "patience": (PatienceStopping, (*_TIMING, "patience", "min-delta")),
}
"""Each policy with the settings that it uses."""

_FIELDS = {
    "delay-evaluation": "delay",
    "evaluation-interval": "interval",
    "truncation-percentage": "percentage",
}
"""The fields of policies that are not named as their settings."""

_RANGES = {
    "evaluation-interval": (1e-9, 1e15),
    "min-steps": (1e-9, 1e15),
    "max-steps": (1e-9, 1e15),
    "reduction-factor": (2, 1e6),
    "percentile": (0, 100),
    "truncation-percentage": (0, 100),
}
"""Bounds, both included, beyond those that the schema has; steps within which powers are finite."""


def policy_from_settings(
    settings: Mapping[str, object], maximize: bool, seed: int, metric: str = "value"
) -> StoppingPolicy | None:
    """The policy that the properties of the `early-stopping` section describe; None for `none`.

    A property that is not among the settings has its default; `metric` is what reasons call the
    value. Raises ConfigError for a value that is wrong or does not go with the policy.
    """
    values = _checked(settings)
    name = values[POLICY]
    if name == NONE:
        return None
    made, used = _POLICIES[name]
    _check_values(name, {setting: values[setting] for setting in used})
    fields: dict[str, Any] = {
        _FIELDS.get(setting, setting.replace("-", "_")): values[setting]
        for setting in used
        if values[setting] is not None
    }
    if made is HyperbandStopping:
        fields["seed"] = seed
    return made(maximize=maximize, metric=metric, **fields)


def parse_stopping_option(text: str) -> dict[str, PropertyValue]:
    """What ``POLICY[,name=value…]`` sets, by dotted path: ``early-stopping.early-policy``, ….

    Raises UsageError for an unknown policy, a property that the policy does not use, and a value
    that is no value of its property.
    """
    name, *parts = (part.strip() for part in text.split(","))
    if name != NONE and name not in _POLICIES:
        what = f"unknown policy '{name}'" if name else f"'{text}' names no policy"
        raise UsageError(f"{OPTION}: {what}", nearest(name, (NONE, *_POLICIES)))
    found: dict[str, PropertyValue] = {f"{SECTION}.{POLICY}": name}
    for part in parts:
        setting, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise UsageError(f"{OPTION}: '{part}' is not of the form name=value", EXAMPLE)
        path = f"{SECTION}.{setting}"
        if path in found:
            raise UsageError(f"{OPTION}: {setting} is given twice", "give it once")
        found[path] = _parsed(name, setting, value)
    return found


def stopping_option(settings: Mapping[str, object]) -> str:
    """``median,min-runs=2``: valid settings as `parse_stopping_option` takes them, those that have
    their defaults left out; "" for none."""
    values = _checked(settings)
    name = str(values[POLICY])
    if name == NONE:
        return ""
    used = {setting: declared.default for setting, declared in policies()[name].items()}
    given = [f"{s}={values[s]:.15g}" for s in used if values[s] not in (None, used[s])]
    return ",".join([name, *given])


def _parsed(policy: str, setting: str, text: str) -> PropertyValue:
    used = _POLICIES[policy][1] if policy != NONE else ()
    if setting not in used:
        if setting in _properties():
            takes = f"it takes {', '.join(used)}" if used else "name a policy that does"
            raise UsageError(f"{OPTION}: {policy} does not use {setting}", takes)
        raise UsageError(f"{OPTION}: {policy} has no '{setting}'", nearest(setting, used))
    # Null would not reach the settings: for an option it means "not given".
    declared = replace(_properties()[setting], nullable=False)
    try:
        value = parse_text(declared, text)
    except ValueError as error:
        raise UsageError(f"{OPTION}: {setting} {error}", declared.help) from None
    wrong = _out_of_range(setting, value)
    if wrong:
        raise UsageError(f"{OPTION}: {setting} {wrong}", declared.help)
    return value


def policies() -> dict[str, dict[str, Property]]:
    """Each policy with the properties that it uses, by name."""
    declared = _properties()
    return {name: {s: declared[s] for s in used} for name, (_, used) in _POLICIES.items()}


def _properties() -> dict[str, Property]:
    section = SCHEMA[SECTION]
    assert isinstance(section, Section)
    return section.properties


def _checked(settings: Mapping[str, object]) -> dict[str, Any]:
    properties = _properties()
    for name in settings:
        if name not in properties:
            raise ConfigError(f"unknown property '{name}' in {SECTION}", nearest(name, properties))
    values: dict[str, Any] = {}
    for name, declared in properties.items():
        try:
            values[name] = check(declared, settings.get(name, declared.default))
        except ValueError as error:
            raise ConfigError(f"{SECTION}.{name} {error}", declared.help) from None
    return values


def _out_of_range(name: str, value: Any) -> str | None:
    """What is wrong with a value, beyond what its property says by itself."""
    if value is None or name not in _RANGES:
        return None
    least, most = _RANGES[name]
    return None if least <= value <= most else f"must be from {least:g} to {most:g}, not {value:g}"


def _check_values(policy: str, values: Mapping[str, Any]) -> None:
    """Raise ConfigError for settings out of range, or that do not go together."""
    for name, value in values.items():
        wrong = _out_of_range(name, value)
        if wrong:
            raise ConfigError(f"{SECTION}.{name} {wrong}", _properties()[name].help)
    if policy == "bandit":
        _check_slack(values["slack-factor"], values["slack-amount"])
    lower, upper = values.get("lower"), values.get("upper")
    if lower is not None and upper is not None and lower > upper:
        raise ConfigError(
            f"{SECTION}.lower is {lower:g}, above {SECTION}.upper, which is {upper:g}",
            "no value can be between them: exchange them",
        )
    if "max-steps" in values:
        _check_steps(policy, values["min-steps"], values["max-steps"])


def _check_slack(factor: float | None, amount: float | None) -> None:
    if factor is None and amount is None:
        raise ConfigError(
            f"{SECTION}.{POLICY} bandit needs {SECTION}.slack-factor or slack-amount",
            "set one of them, as in slack-factor=0.1",
        )
    if factor is not None and amount is not None:
        raise ConfigError(
            f"{SECTION}.slack-factor and {SECTION}.slack-amount are both set",
            "set one of them to null: the bandit policy has one slack",
        )


def _check_steps(policy: str, least: float, most: float | None) -> None:
    if policy == "hyperband" and most is None:
        raise ConfigError(
            f"{SECTION}.{POLICY} hyperband needs {SECTION}.max-steps",
            "set it to the last step that a whole run logs, as in max-steps=27",
        )
    if most is not None and most <= least:
        raise ConfigError(
            f"{SECTION}.max-steps is {most:g}, not more than min-steps, which is {least:g}",
            "nothing would be stopped: max-steps is the last step of a whole run",
        )
