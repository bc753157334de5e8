"""How a run is handed its set: options, XT_HPARAMS, and a generated config file."""

import json

import pytest
from support import Xt

SHOW = """
import json, os, sys
config = open("conf/hp.yaml").read() if os.path.exists("conf/hp.yaml") else None
seen = {"argv": sys.argv[1:], "env": json.loads(os.environ["XT_HPARAMS"]), "config": config}
print(json.dumps(seen))
"""
SPACE = """
hparams:
  opt: [adam, sgd]
  momentum: {values: [0.8, 0.9], when: {opt: sgd}}
  model: {depth: $randint(2, 9), name: [cnn, mlp]}
"""
ACTIVE = {"adam": ["opt", "model.depth", "model.name"]}
ACTIVE["sgd"] = ["opt", "momentum", "model.depth", "model.name"]


@pytest.mark.both
@pytest.mark.parametrize("search_type", ["random", "tpe"])
def test_a_set_of_a_file_is_handed_over_in_every_way(xt: Xt, search_type: str) -> None:
    xt.script("show.py", SHOW)
    xt.script("hp.yaml", SPACE)
    xt.script("conf/hp.yaml", "kept: true\nopt: none\n")
    (xt.code / "xt_config.yaml").write_text(
        "hyperparameter-search: {hp-config: hp.yaml, fn-generated-config: conf/hp.yaml}\n"
    )
    options = ("--search-type", search_type, "--runs", "8", "--seed", "1")
    xt.submit(*options, "--concurrent", "2", "show.py", "--epochs", "3")
    assert xt.wait_job("job1") == "completed"
    runs = xt.children("job1")
    assert [run.run_index for run in runs] == list(range(8))
    assert {run.hparams["opt"] for run in runs} == {"adam", "sgd"}
    for run in runs:
        hparams = {name: value for name, value in run.hparams.items() if name != "epochs"}
        assert run.hparams == hparams | {"epochs": 3}
        names = ACTIVE[str(hparams["opt"])]
        assert sorted(hparams) == sorted(names)
        seen = json.loads(xt.console(run.name))
        assert seen["env"] == hparams
        assert seen["argv"] == ["--epochs", "3", *(f"--{n}={hparams[n]}" for n in names)]
        momentum = f"momentum: {hparams['momentum']}\n" if "momentum" in hparams else ""
        assert seen["config"] == (
            f"# Hyperparameters of ws1/{run.name} (set {run.run_index}), written by XT.\n"
            f"kept: true\nopt: {hparams['opt']}\n{momentum}"
            f"model:\n  depth: {hparams['model.depth']}\n  name: {hparams['model.name']}\n"
        )


def test_without_an_option_prefix_the_command_stays_as_it_is(xt: Xt) -> None:
    xt.script("show.py", SHOW)
    xt.script("hp.yaml", "hparams: {lr: [0.1, 0.2]}\n")
    (xt.code / "xt_config.yaml").write_text("hyperparameter-search: {option-prefix: null}\n")
    xt.submit("--hp-config", "hp.yaml", "show.py", "--plain=[1, 2]", "--last")
    assert xt.wait_job("job1") == "completed"
    runs = xt.children("job1")
    assert [run.hparams for run in runs] == [{"lr": 0.1}, {"lr": 0.2}]
    for run in runs:
        assert json.loads(xt.console(run.name)) == {
            "argv": ["--plain=[1, 2]", "--last"],
            "env": run.hparams,
            "config": None,
        }


def test_a_json_file_is_generated_by_its_name(xt: Xt) -> None:
    xt.script("show.py", "print(open('made.json').read(), end='')")
    (xt.code / "xt_config.yaml").write_text(
        "hyperparameter-search: {fn-generated-config: made.json}\n"
    )
    xt.submit("show.py", "--lr=[0.1, 1e-3]", "--flag=[true]")
    assert xt.wait_job("job1") == "completed"
    made = [json.loads(xt.console(run.name)) for run in xt.children("job1")]
    assert made == [{"lr": 0.1, "flag": True}, {"lr": 0.001, "flag": True}]
