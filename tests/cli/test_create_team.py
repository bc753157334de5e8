"""`xt create team`: what is written, what is printed, and what is refused."""

import json
from pathlib import Path

import pytest
import yaml
from cli_support import Commands

from xt_core.home import Home

ANN, BEN = "11111111-2222-3333-4444-555555555555", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
CONFIG = {
    "external-services": {
        "phoenix-blobs": {
            "type": "storage",
            "provider": "azure-blob",
            "account-url": "https://xtphoenix.blob.core.windows.net",
            "container": "xt-phoenix",
        },
        "phoenix-mongo": {
            "type": "mongo",
            "mongo-connection-string": "$vault",
            "database": "xt-phoenix",
        },
        "phoenix-vault": {"type": "vault", "url": "https://xt-phoenix.vault.azure.net"},
    },
    "teams": {
        "phoenix": {
            "storage": "phoenix-blobs",
            "mongo": "phoenix-mongo",
            "vault": "phoenix-vault",
        }
    },
}


def test_three_files_are_written_and_the_way_is_told(xt: Commands, home: Home) -> None:
    answer = xt("create", "team", "phoenix", "--members", f"{ANN},{BEN.upper()},{ANN}")
    folder = Path.cwd() / "xt-team-phoenix"
    names = ["config.yaml", "parameters.json", "template.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    given = json.loads((folder / "parameters.json").read_text())["parameters"]
    assert given == {"location": {"value": "eastus"}, "members": {"value": [ANN, BEN]}}
    config = (folder / "config.yaml").read_text()
    assert yaml.safe_load(config) == CONFIG
    assert config in answer.out
    for command in (
        "az group create --name xt-phoenix --location eastus",
        "az deployment group create --resource-group xt-phoenix --template-file "
        "xt-team-phoenix/template.json --parameters @xt-team-phoenix/parameters.json",
        "az storage account check-name --name xtphoenix",
        "az cosmosdb check-name-exists --name xt-phoenix",
        "az keyvault check-name --name xt-phoenix",
        "xt use team phoenix",
        "xt login",
        "xt team check",
    ):
        assert f"   {command}" in answer.lines
    assert [line[:2] for line in answer.lines if line[:1].isdigit()] == ["1.", "2.", "3.", "4.",
                                                                        "5."]  # fmt: skip
    assert "Template deployment" in answer.out
    assert "nothing is in Azure yet" in answer.err
    assert "no member" not in answer.out


def test_the_document_is_what_the_files_hold(xt: Commands, home: Home) -> None:
    command = (
        "create",
        "team",
        "phoenix",
        "--with",
        "batch, ml",
        "--output",
        "out/azure",
        "--json",
    )
    document = xt(*command).json
    folder = Path.cwd() / "out" / "azure"
    files = [str(folder / name) for name in ("template.json", "parameters.json", "config.yaml")]
    assert document["files"] == files
    assert document["template"] == json.loads((folder / "template.json").read_text())
    assert document["parameters"] == json.loads((folder / "parameters.json").read_text())
    assert document["config"] == (folder / "config.yaml").read_text()
    assert document["names"]["workspaceVault"] == "xt-phoenix-ml"
    assert document["steps"][0]["commands"] == ["az ad signed-in-user show --query id --output tsv"]
    assert "az acr check-name --name xtphoenix" in document["steps"][1]["commands"]
    assert yaml.safe_load(document["config"]) == CONFIG
    assert document["config"].splitlines()[-1] == (
        "# made beside, for your own use: container registry xtphoenix.azurecr.io, Batch account "
        "xtphoenix, machine-learning workspace xt-phoenix"
    )


def test_a_dry_run_writes_nothing(xt: Commands, home: Home) -> None:
    assert "nothing is written" in xt("create", "team", "phoenix", "--dry-run").out
    document = xt("create", "team", "phoenix", "--dry-run", "--json").json
    assert document["files"] == []
    assert len(document["template"]["resources"]) == 9
    assert list(Path.cwd().iterdir()) == []


def test_no_file_is_written_over_unless_it_is_asked_for(xt: Commands, home: Home) -> None:
    folder = Path.cwd() / "xt-team-phoenix"
    folder.mkdir()
    (folder / "config.yaml").write_text("mine\n")
    error = xt("create", "team", "phoenix", code=5).err
    assert f"{folder}/config.yaml exists already" in error
    assert [path.name for path in folder.iterdir()] == ["config.yaml"]
    assert (folder / "config.yaml").read_text() == "mine\n"
    xt("create", "team", "phoenix", "--force")
    assert yaml.safe_load((folder / "config.yaml").read_text()) == CONFIG


def test_the_subscription_gives_a_suffix_and_is_chosen(xt: Commands, home: Home) -> None:
    command = ("create", "team", "phoenix", "--dry-run", "--json", "--members", BEN)
    document = xt(*command, "--subscription", ANN).json
    assert document["names"]["storageAccount"] == "xtphoenix311dc9"
    assert f"az account set --subscription {ANN}" in document["steps"][0]["commands"]
    own = xt(*command, "--subscription", ANN, "--suffix", "lab7").json
    assert own["names"]["storageAccount"] == "xtphoenixlab7"


def test_a_region_may_be_written_as_the_portal_does(xt: Commands, home: Home) -> None:
    command = ("create", "team", "phoenix", "--dry-run", "--json", "--location", "West Europe")
    assert xt(*command).json["parameters"]["parameters"]["location"] == {"value": "westeurope"}


def test_a_database_scales_where_that_is_asked_for(xt: Commands, home: Home) -> None:
    document = xt("create", "team", "phoenix", "--dry-run", "--json", "--autoscale", "4000").json
    kinds = [resource["type"] for resource in document["template"]["resources"]]
    assert kinds.count("Microsoft.DocumentDB/databaseAccounts/mongodbDatabases") == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("Phoenix",), "'Phoenix' cannot be the name of a team in Azure"),
        (("a" * 22,), "the key vault would be called xt-"),
        (("local",), "the team 'local' is there already"),
        (("phoenix", "--with", "gpu"), "--with knows no 'gpu'"),
        (("phoenix", "--members", "ann@example.org"), "--members takes object ids, not 'ann@"),
        (("phoenix", "--members", "ann"), "--members takes object ids, not 'ann'"),
        (("phoenix", "--location", "the moon!"), "--location 'the moon!' is no region"),
        (("phoenix", "--suffix", "Lab"), "the suffix 'Lab' is not valid"),
        (("phoenix", "--subscription", "mine"), "--subscription takes an id, not 'mine'"),
        (("phoenix", "--autoscale", "1500"), "--autoscale takes 1000, 2000, … to 1000000, not 15"),
        (("phoenix", "--autoscale", "0"), "--autoscale takes 1000"),
        (("phoenix", "--autoscale", "many"), "--autoscale: invalid int value"),
        ((), "required: NAME"),
    ],
)
def test_wrong_usage_is_told_in_a_line_and_writes_nothing(
    xt: Commands, home: Home, args: tuple[str, ...], message: str
) -> None:
    error = xt("create", "team", *args, code=2).err
    assert error.startswith("xt: error: ")
    assert message in error
    assert len(error.splitlines()) == 2
    assert list(Path.cwd().iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(xt: Commands, home: Home) -> None:
    Path("out").write_text("a file\n")
    error = xt("create", "team", "phoenix", "--output", "out/azure", code=5).err
    assert "cannot write" in error
