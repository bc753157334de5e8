"""The nodes pane and the dialogs of boxes, with real sshd."""

from pathlib import Path

import pytest
from servers.sshd import Network, fingerprint
from support import Xt
from textual.pilot import Pilot
from textual.widgets import Button, Input, Select, Static
from tui_support import names, text_of, told, until

from xt_core.errors import UnavailableError
from xt_core.model.records import MetricRecord
from xt_core.session import Session
from xt_tui.app import XtApp
from xt_tui.charting.drawn import Drawn
from xt_tui.screens.box import BoxScreen
from xt_tui.screens.check import CheckScreen
from xt_tui.screens.confirm import ConfirmScreen
from xt_tui.screens.launch import LaunchScreen
from xt_tui.widgets.option_fields import OptionFields
from xt_tui.widgets.preview import Preview

_TRAIN = """\
import os, time
from xt_core import Run
print("began", os.environ["XT_NODE_ID"], os.environ["XT_RESTARTS"], flush=True)
Run().log_metrics({{"loss": 0.5}}, step=0)
while not os.path.exists({gate!r}):
    time.sleep(0.02)
"""


@pytest.fixture
def known(xt: Xt, network: Network) -> Xt:
    """A client of the network, which has no box yet."""
    xt.environ["XT_SSH_CONFIG"] = str(network.config_file)
    xt.environ.pop("SSH_AUTH_SOCK", None)
    return xt


def session_of(xt: Xt) -> Session:
    return Session(home=xt.home, cwd=xt.code, environ=xt.environ)


def configure(xt: Xt, network: Network) -> None:
    boxes = [f'  {box.name}: {{address: "{box.place}"}}' for box in network.boxes]
    xt.configure("\n".join(["boxes:", *boxes, ""]))


async def opened(pilot: Pilot[int]) -> XtApp:
    """The app, with the keys in the nodes pane."""
    app = pilot.app
    assert isinstance(app, XtApp)
    await until(pilot, lambda: app.state.loaded)
    await pilot.press("7")
    await until(pilot, lambda: app.main.pane is app.main.nodes)
    return app


def states(app: XtApp) -> dict[str, str]:
    """What the pane says of each node."""
    pane = app.main.nodes
    return {name: pane._cells(name)[2].text for name in pane.table.keys}


async def fill_in(pilot: Pilot[int], **values: str) -> BoxScreen:
    """Open the form and write into its fields."""
    await pilot.press("b")
    await until(pilot, lambda: isinstance(pilot.app.screen, BoxScreen))
    screen = pilot.app.screen
    assert isinstance(screen, BoxScreen)
    for field, value in values.items():
        screen.query_one(f"#box-{field.replace('_', '-')}", Input).value = value
    return screen


def said(screen: BoxScreen) -> str:
    return str(screen.query_one("#box-state", Static).render())


async def test_a_box_is_added_checked_and_removed_by_keyboard(known: Xt, network: Network) -> None:
    box = network.box("gpu1", is_known=False)
    session = session_of(known)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await opened(pilot)
        screen = await fill_in(pilot, name="gpu1", address=box.place, max_runs="2", gpus="0,1")
        await until(pilot, lambda: not screen.query_one("#add", Button).disabled)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await until(pilot, lambda: f"ED25519 {fingerprint(box.host_key)}" in text_of(app))
        assert not network.known_hosts.exists()
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, CheckScreen))
        await until(pilot, lambda: f"gpu1 ({box.place}): " in text_of(app))
        await until(pilot, lambda: "looking…" not in text_of(app))
        await until(pilot, lambda: "GPUs" in text_of(app))
        for part in ("✓ latency", "✓ clock", "✓ Python", "✓ disk"):
            assert part in text_of(app)
        assert session.config.box("gpu1").max_runs == 2
        assert session.config.box("gpu1").gpus == "0,1"
        assert len(network.known_hosts.read_text().splitlines()) == 1

        await pilot.press("escape")
        await until(pilot, lambda: states(app)["gpu1"] == "○ not used yet")
        assert app.main.nodes.box == "gpu1"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CheckScreen))
        await pilot.press("escape")
        await until(pilot, lambda: app.main.pane is app.main.nodes)
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: "gpu1" not in states(app))
        await until(pilot, lambda: told(app))
        assert told(app)[-1] == f"box gpu1 removed from {known.home.config_file}"
        assert "gpu1" not in session.config.as_dict()["boxes"]
    session.close()


async def test_a_key_that_is_refused_adds_nothing(known: Xt, network: Network) -> None:
    box = network.box("gpu1", is_known=False)
    session = session_of(known)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await opened(pilot)
        screen = await fill_in(pilot, name="gpu1", address=box.place)
        await until(pilot, lambda: not screen.query_one("#add", Button).disabled)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("n")
        await until(pilot, lambda: "was not accepted" in said(screen))
        assert not known.home.config_file.exists()
        assert not network.known_hosts.exists()
        await pilot.press("ctrl+l")  # it may be tried again
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, CheckScreen))
    session.close()


async def test_a_changed_key_is_refused(known: Xt, network: Network) -> None:
    box = network.box("gpu1")
    box.change_host_key()
    session = session_of(known)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        await opened(pilot)
        screen = await fill_in(pilot, name="gpu1", address=box.place)
        await until(pilot, lambda: not screen.query_one("#add", Button).disabled)
        await pilot.press("ctrl+l")
        shown = f"has changed: it shows ED25519 {fingerprint(box.host_key)}"
        await until(pilot, lambda: shown in said(screen).replace("\n", " "))
        assert not known.home.config_file.exists()
    session.close()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "local", "address": "host"}, "box local is this machine"),
        ({"name": "gpu 1", "address": "host"}, "'gpu 1' is no name for a box"),
        ({"name": "gpu1", "address": "host:no"}, "'host:no' is no address of a box"),
        ({"name": "gpu1", "address": "host", "max_runs": "0"}, "max-runs '0' is no whole number"),
    ],
)
async def test_the_form_says_at_once_what_is_wrong(
    session: Session, fields: dict[str, str], message: str
) -> None:
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        await opened(pilot)
        screen = await fill_in(pilot, **fields)
        await until(pilot, lambda: message in said(screen))
        assert screen.query_one("#add", Button).disabled


async def test_this_machine_is_no_box(session: Session) -> None:
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await opened(pilot)
        assert states(app) == {"node0": "○ no controller"}
        await pilot.press("D")
        await until(pilot, lambda: told(app) == ["that is this machine, no box"])
        app.main.focus_pane("runs")
        app.action_perform("check_box")  # goes to the pane that it is an action of
        await until(pilot, lambda: told(app) == ["that is this machine, no box"] * 2)
        assert app.main.pane is app.main.nodes


async def test_what_machines_use_is_drawn_until_runs_are_wanted(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.home.config_file.write_text("boxes: {gpu1: {address: a@b}, gpu2: {address: a@c}}\n")
    session.reload_config()
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await opened(pilot)
        assert list(states(app)) == ["node0", "gpu1", "gpu2"]
        await pilot.press("U")
        pane = app.metrics
        await until(pilot, lambda: app.main.pane is pane)
        silent = "node0 has no controller: s in the nodes pane starts one"
        await until(pilot, lambda: silent in text_of(app))
        asked: list[tuple[str, int]] = []

        def sampled(drawn: Drawn, after: int) -> list[MetricRecord]:
            asked.append((drawn.name, after))
            if drawn.name == "gpu2":
                raise UnavailableError("gpu2 has no controller")
            values = [(1, 10.0), (2, 20.0)]
            return [
                MetricRecord(at, 1e9 + at, None, {"system.cpu_percent": value})
                for at, value in values
                if at > after
            ]

        monkeypatch.setattr(pane._reading, "system", sampled)
        await pilot.press("7", "space", "space", "space")
        await until(pilot, lambda: "3 nodes, 0 busy · 3 marked" in text_of(app))
        await pilot.press("U")
        await until(pilot, lambda: pane.charts.names == ["system.cpu_percent"])
        await until(pilot, lambda: "what node0, gpu1, gpu2 use · gpu2 is silent" in text_of(app))
        assert [curve.name for curve in pane.curves_of("system.cpu_percent")] == ["node0", "gpu1"]
        assert pane.x_kind.label == "time"
        pane._look_at_samples()
        await until(pilot, lambda: ("node0", 2) in asked)
        assert set(asked) == {("node0", -1), ("gpu1", -1), ("node0", 2), ("gpu1", 2), ("gpu2", -1)}
        await pilot.press("X", "B", "B")
        await until(pilot, lambda: "mean of all machines (2 of 3)" in text_of(app))
        assert pane.x_kind.label == "elapsed"
        await pilot.press("z", "6")  # out of sight it asks nobody
        await until(pilot, lambda: not pane.region)
        asked.clear()
        pane._look_at_samples()
        assert asked == []
        await pilot.press("z", "4", "backspace")
        await until(pilot, lambda: not pane.machines and "what node0" not in text_of(app))

        await pilot.press("7", "u", "U")
        await until(pilot, lambda: [each.name for each in pane.machines] == ["gpu2"])
        await until(pilot, lambda: "gpu2 has no controller" in text_of(app))
        await pilot.press("3")
        await until(pilot, lambda: not pane.machines)


async def test_the_launch_form_offers_boxes_and_pools(known: Xt, network: Network) -> None:
    network.box("gpu1")
    configure(known, network)
    known.script("t.py", "")
    known.configure("compute-targets:\n  lab: {service: pool, boxes: [gpu1]}\n")
    session = session_of(known)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await opened(pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        await app.screen.query_one(OptionFields).show_more()
        field = app.screen.query_one("#option-target", Select)
        offered = [value for _, value in field._options if isinstance(value, str)]
        assert sorted(offered) == ["gpu1", "lab", "local"]
        app.screen.query_one("#command", Input).value = "t.py"
        field.value = "gpu1"
        form = app.screen
        assert isinstance(form, LaunchScreen)
        request = await until(pilot, lambda: form.query_one(Preview).request)
        assert request.target == "gpu1"
    session.close()


async def test_runs_on_boxes_are_attached_restarted_and_cancelled_by_keyboard(
    known: Xt, network: Network, tmp_path: Path
) -> None:
    boxes = {name: network.box(name) for name in ("gpu1", "gpu2")}
    configure(known, network)
    known.script("t.py", _TRAIN.format(gate=str(tmp_path / "gate")))
    known("run", "--target", "gpu1", "t.py")
    known("run", "--target", "gpu2", "t.py")
    session = session_of(known)
    async with XtApp(session).run_test(size=(140, 50)) as pilot:
        app = await opened(pilot)
        await until(pilot, lambda: len(app.runs.table.keys) == 2)
        running = {"gpu1": "▶ 1 of 1 slot", "gpu2": "▶ 1 of 1 slot"}
        await until(pilot, lambda: running.items() <= states(app).items(), "both to be busy")
        cells = app.main.nodes._cells("gpu1")
        assert "/" in cells[3].text
        assert "GB" in cells[4].text

        await pilot.press("3", "g", "a")
        assert app.runs.run is not None
        first = app.runs.run.node
        await until(pilot, lambda: app.output.view.lines == [f"began {first} 0"])
        await pilot.press("3", "R")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: app.output.view.lines[-1:] == [f"began {first} 1"])

        boxes[first].cut()
        await until(pilot, lambda: f"{first} answers again" in told(app))

        other = "gpu2" if first == "gpu1" else "gpu1"
        boxes[other].hang_up()
        await until(pilot, lambda: states(app)[other].startswith("✘ unreachable since "))
        assert states(app)[first].startswith("▶ 1 of 1 slot")
        boxes[other].start()
        await until(pilot, lambda: states(app)[other].startswith("▶ 1 of 1 slot"))

        await pilot.press("3", "g", "c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: any("cancelled" in text for text in told(app)))
        await until(pilot, lambda: states(app)[first] == "● idle")

        await pilot.press("7")
        await until(pilot, lambda: app.main.pane is app.main.nodes)
        app.main.nodes.table.move_to(other)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await until(pilot, lambda: f"Cancel all that runs on {other}?" in text_of(app))
        await pilot.press("y")
        await until(pilot, lambda: states(app)[other] == "● idle")
        await until(
            pilot,
            lambda: [str(r.status) for r in app.state.runs.values()] == ["cancelled"] * 2,
        )
        assert sorted(names(app)) == ["run1", "run2"]
    session.close()
