"""A text that is told anew lays the screen out only where its size may change."""

from rich.text import Text
from textual.app import App, ComposeResult

from xt_tui.widgets.facts import Facts


class Counting(Facts):
    def __init__(self) -> None:
        super().__init__(markup=False)
        self.layouts: list[bool] = []

    def refresh(self, *regions, repaint=True, layout=False, recompose=False):  # type: ignore[no-untyped-def]
        self.layouts.append(layout)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


class FactsApp(App[int]):
    def compose(self) -> ComposeResult:
        yield Counting()


async def test_only_another_size_lays_out_anew() -> None:
    app = FactsApp()
    async with app.run_test(size=(20, 6)) as pilot:
        facts = app.query_one(Counting)
        facts.update("one\ntwo")
        await pilot.pause()
        facts.layouts.clear()
        facts.update("one\ntwo")
        assert facts.layouts == []
        facts.update(Text("two\none"))
        assert facts.layouts == [False]
        await pilot.pause()
        assert str(facts.render()) == "two\none"
        facts.layouts.clear()
        facts.update("a line more\nthan\nbefore")
        assert facts.layouts == [True]
        await pilot.pause()
        assert facts.size.height == 3
        facts.layouts.clear()
        facts.update("words that are wrapped as they may")
        facts.update("words thatare wrappedas they mayno")
        assert facts.layouts == [True, True]
