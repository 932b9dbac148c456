"""Colours that can be read, and one map for attention that grows evenly lighter."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gui import theme as themes

GROUNDS = ("panel", "window", "sunk")


def test_the_contrast_of_black_on_white_is_21_and_of_a_colour_on_itself_1():
    assert themes.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert themes.contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert themes.contrast("#777777", "#777777") == pytest.approx(1.0)
    assert themes.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)  # the greyest AA allows


@pytest.mark.parametrize("theme", themes.THEMES.values(), ids=lambda theme: theme.name)
@pytest.mark.parametrize(("word", "ground"), list(itertools.product(("text", "muted", "accent"), GROUNDS)))
def test_words_can_be_read_on_every_ground(theme, word, ground):
    assert themes.contrast(getattr(theme, word), getattr(theme, ground)) >= 4.5


@pytest.mark.parametrize("theme", themes.THEMES.values(), ids=lambda theme: theme.name)
@pytest.mark.parametrize(
    ("word", "ground"),
    [
        ("accent", "accent_fill"),
        ("on_accent", "accent"),
        ("warn", "warn_fill"),
        ("warn", "panel"),
        ("alarm", "alarm_fill"),
        ("alarm", "panel"),
        ("muted", "band"),
    ],
)
def test_words_can_be_read_on_the_fills_they_stand_on(theme, word, ground):
    assert themes.contrast(getattr(theme, word), getattr(theme, ground)) >= 4.5


@pytest.mark.parametrize("theme", themes.THEMES.values(), ids=lambda theme: theme.name)
def test_lines_of_data_stand_out_from_their_panel(theme):
    """WCAG 2.2 asks 3 : 1 of graphics that carry information."""
    assert themes.contrast(theme.quiet, theme.panel) >= 3
    for line in ("trace", "accent", "muted"):  # muted: what an untrained network says
        assert themes.contrast(getattr(theme, line), theme.panel) >= 3
        assert themes.contrast(getattr(theme, line), theme.band) >= 3


def test_the_attention_map_grows_lighter_at_an_even_pace():
    table = themes.attention_table() / 255
    linear = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)
    lightness = np.cbrt(linear @ (0.2126, 0.7152, 0.0722))
    steps = np.diff(lightness)
    assert table.shape == (256, 3)
    assert (steps > -1e-3).all()
    assert np.abs(lightness - np.linspace(lightness[0], lightness[-1], 256)).max() < 0.03


def test_the_style_sheet_names_no_colour_that_the_theme_lacks():
    sheet = themes.style_sheet(themes.DARK)
    used = {
        word[:7] for word in sheet.replace(";", " ").split() if word.startswith("#") and word[1:7].isalnum()
    }
    hexes = {word for word in used if all(c in "0123456789abcdef" for c in word[1:])}
    assert hexes
    assert hexes <= set(vars(themes.DARK).values())
