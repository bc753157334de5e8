"""The names of a team's Azure resources: derived, the same each time, and as Azure takes them."""

import re

import pytest

from xt_core.errors import UsageError
from xt_core.teams.azure.names import OPTIONAL_PARTS, names_of, suffix_of

AZURE = {
    "resourceGroup": r"[-\w.()]{1,89}[-\w()]",
    "storageAccount": r"[a-z0-9]{3,24}",
    "container": r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*",
    "cosmosAccount": r"(?=.{3,44}$)[a-z0-9]+(-[a-z0-9]+)*",
    "database": r"[^/\\. \"$*<>:|?]{1,63}",
    "vault": r"(?=.{3,24}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*",
    "secret": r"[A-Za-z0-9-]{1,127}",
    "registry": r"[A-Za-z0-9]{5,50}",
    "batchAccount": r"[a-z0-9]{3,24}",
    "workspace": r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}",
    "logs": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "insights": r"[A-Za-z0-9-]{1,260}",
    "workspaceStorage": r"[a-z0-9]{3,24}",
    "workspaceVault": r"(?=.{3,24}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*",
}
"""Azure's rules, written down once more."""


def test_names_are_derived_from_the_teams() -> None:
    names = names_of("blue-team", OPTIONAL_PARTS, "lab7")
    assert names.parts == ("registry", "batch", "ml")
    assert dict(names.resources) == {
        "resourceGroup": "xt-blue-team",
        "storageAccount": "xtblueteamlab7",
        "container": "xt-blue-team",
        "cosmosAccount": "xt-blue-team-lab7",
        "database": "xt-blue-team",
        "vault": "xt-blue-team-lab7",
        "secret": "blue-team-mongo",
        "registry": "xtblueteamlab7",
        "batchAccount": "xtblueteamlab7",
        "workspace": "xt-blue-team",
        "logs": "xt-blue-team",
        "insights": "xt-blue-team",
        "workspaceStorage": "xtblueteamlab7ml",
        "workspaceVault": "xt-blue-team-lab7-ml",
    }


@pytest.mark.parametrize("suffix", ["", "a", "lab7", "12345678"])
@pytest.mark.parametrize("team", ["abc", "phoenix", "a-b-c-d-e", "a1-2-3", "ninechars"])
def test_azure_takes_every_name(team: str, suffix: str) -> None:
    names = names_of(team, OPTIONAL_PARTS, suffix)
    assert set(names.resources) == set(AZURE)
    for variable, name in names.resources.items():
        assert re.fullmatch(AZURE[variable], name), (variable, name)


def test_a_workspace_brings_the_registry_that_it_needs() -> None:
    assert names_of("phoenix", ["ml"]).parts == ("registry", "ml")
    assert names_of("phoenix", ["ml", "batch"]).parts == ("registry", "batch", "ml")
    assert names_of("phoenix").parts == ()


@pytest.mark.parametrize(
    "team",
    ["", "a", "Phoenix", "7up", "-a", "a-", "a--b", "a_b", "a b", "a.b", "é1", "ab\n", "$vault"],
)
def test_what_can_be_no_name_is_told(team: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a team in Azure") as caught:
        names_of(team)
    assert "\n" not in str(caught.value)
    assert "a letter first" in caught.value.hint


@pytest.mark.parametrize("team", ["local", "default"])
def test_the_names_of_teams_that_are_always_there_are_taken(team: str) -> None:
    with pytest.raises(UsageError, match=f"the team '{team}' is there already"):
        names_of(team)


def test_the_first_name_that_is_too_long_is_told() -> None:
    names_of("a" * 21)
    with pytest.raises(UsageError) as caught:
        names_of("a" * 22)
    assert str(caught.value) == (
        f"the name {'a' * 22!r} is too long: the key vault would be called xt-{'a' * 22}, and "
        "Azure takes 24 characters"
    )
    assert caught.value.hint == "shorten the name, or the suffix, by 1"
    with pytest.raises(UsageError, match="the storage account would be called xtaaa"):
        names_of("a" * 23)
    with pytest.raises(UsageError, match=r"key vault of the machine-learning .* xt-a+-lab-ml,"):
        names_of("a" * 15, ["ml"], "lab")


def test_a_name_that_is_too_short_is_told() -> None:
    assert names_of("ab")["storageAccount"] == "xtab"
    assert names_of("ab", ["registry"], "x")["registry"] == "xtabx"
    with pytest.raises(UsageError) as caught:
        names_of("ab", ["registry"])
    assert str(caught.value) == (
        "the name 'ab' is too short: the container registry would be called xtab, and Azure takes "
        "no fewer than 5 characters"
    )
    assert caught.value.hint == "choose a longer name, or give a suffix"


@pytest.mark.parametrize("suffix", ["Lab", "a-b", "123456789", "é", " "])
def test_a_suffix_that_names_cannot_end_with_is_told(suffix: str) -> None:
    with pytest.raises(UsageError, match=r"the suffix .* is not valid"):
        names_of("phoenix", (), suffix)


def test_the_suffix_of_a_subscription_is_always_the_same() -> None:
    first = "11111111-2222-3333-4444-555555555555"
    assert suffix_of(first, "phoenix") == "311dc9"
    assert suffix_of(first.upper(), "phoenix") == "311dc9"
    others = {suffix_of(first, "raven"), suffix_of(first.replace("5", "6"), "phoenix")}
    assert len(others | {"311dc9"}) == 3
