"""`xt stop controller`: controllers end, runs live on."""

from support import Xt, wait_until

WAITING = 'echo begun; until [ -e "$XT_DATA_DIR/go" ]; do sleep 0.02; done; echo end\n'


def test_a_run_outlives_the_controller_that_is_stopped(xt: Xt) -> None:
    assert xt("stop", "controller").stdout == "no controller of this machine runs\n"
    xt.script("wait.sh", WAITING)
    data = xt.home.node("node0").node_dir / "data"
    xt.submit("wait.sh")
    xt.wait_output("run1", "begun")
    assert xt("stop", "controller").stdout == (
        "node0: its controller was stopped; 1 run lives on, xt status starts a new one\n"
    )
    assert not xt.session.controller.is_running()
    document = xt.json("stop", "controller", "node0")
    assert document == {"nodes": [{"name": "node0", "stopped": False, "living_runs": ["run1"]}]}
    data.mkdir(exist_ok=True)
    (data / "go").touch()
    xt("status")
    assert xt.wait_job("job1") == "completed"
    assert xt.console("run1") == b"begun\nend\n"
    wait_until(xt.session.controller.is_running, "a new controller")
    assert "no node named node7" in xt("stop", "controller", "node7", code=3).stderr
