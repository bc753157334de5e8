"""The colours of curves in each theme: seen on its background, and told apart by everybody."""

import pytest
from color_vision import VISIONS, least_distance
from textual._ansi_theme import ALABASTER, MONOKAI
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from xt_tui.ansicolors import readable
from xt_tui.themes import THEMES, SeriesColors, contrast, greys_of_curves, own_variables

ALL = [*THEMES, *BUILTIN_THEMES.values()]
COLORFUL = [theme for theme in ALL if not theme.ansi]
"""Those whose colours are not the terminal's own."""
OURS = {"xt-dark": 3, "xt-light": 3, "xt-contrast": 7}
"""Our themes, and the least contrast that their curves have."""


def curves_of(theme: Theme) -> list[str]:
    own = own_variables(theme)
    return [own[f"chart-{number}"] for number in range(10)]


@pytest.mark.parametrize("theme", COLORFUL, ids=lambda theme: theme.name)
def test_curves_are_seen_on_the_background_of_every_theme(theme: Theme) -> None:
    background = Color.parse(theme.to_color_system().generate()["background"])
    colors = curves_of(theme)
    assert len(set(colors)) == 10
    assert min(contrast(Color.parse(each), background) for each in colors) >= OURS.get(
        theme.name, 3
    )


@pytest.mark.parametrize("theme", COLORFUL, ids=lambda theme: theme.name)
def test_curves_are_read_as_text_is_where_there_are_no_colours(theme: Theme) -> None:
    variables = theme.to_color_system().generate() | own_variables(theme)
    greys = [Color.parse(each) for each in greys_of_curves(variables).values()]
    assert len(greys) == 10
    background = Color.parse(variables["background"])
    assert min(contrast(each, background) for each in greys) >= 4.5


@pytest.mark.parametrize("is_grey", [False, True])
@pytest.mark.parametrize("theme", COLORFUL, ids=lambda theme: theme.name)
def test_colours_that_scripts_write_with_are_read_in_every_theme(
    theme: Theme, is_grey: bool
) -> None:
    background = Color.parse(theme.to_color_system().generate()["background"])
    known = MONOKAI if theme.dark else ALABASTER
    colors = readable(known, theme, is_grey=is_grey).ansi_colors
    shown = [Color(*colors[number]) for number in range(1, 15)]
    assert min(contrast(each, background) for each in shown) >= 4.5
    assert len(set(shown)) == 1 if is_grey else len(set(shown)) > 5
    assert [colors[number] for number in (0, 15)] == [known.ansi_colors[n] for n in (0, 15)]


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_curves_of_our_themes_are_told_apart_however_one_sees_colours(
    theme: Theme, vision: str
) -> None:
    assert least_distance(curves_of(theme), vision) > 0.085


@pytest.mark.parametrize("name", ["ansi-dark", "ansi-light"])
def test_curves_have_ten_colours_of_the_terminals_own(name: str) -> None:
    colors = curves_of(BUILTIN_THEMES[name])
    assert len(set(colors)) == 10
    assert all(color.startswith("ansi_") for color in colors)


def test_colours_of_curves_begin_again_after_the_last() -> None:
    colors = SeriesColors()
    colors.adopt({f"chart-{number}": f"ansi_color{number}" for number in range(10)})
    assert [colors[number] for number in (0, 9, 10, 23)] == ["color0", "color9", "color0", "color3"]


def test_a_contrast_goes_from_1_to_21() -> None:
    white, grey, black = Color.parse("#ffffff"), Color.parse("#767676"), Color.parse("#000000")
    assert contrast(white, white) == 1
    assert contrast(white, black) == contrast(black, white) == pytest.approx(21)
    assert contrast(white, grey) == pytest.approx(4.54, abs=0.005)
