"""Each panel: what it says when empty, what it shows of a session, and what it says when that grows old."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPointF, QRectF

from gui.eeg.panel import EegPanel
from gui.overlay import fitted
from gui.panels.attention import (
    AttentionPanel,
)
from gui.panels.film_strip import FilmStrip
from gui.panels.scalp import Field, ScalpPanel
from gui.panels.similarity import SimilarityPanel
from gui.panels.video import VideoPanel
from realtime.latest import Latest
from realtime.types import Frame
from tests.support.fake_view import MUSE, FakeView, similarity_at
from tests.support.window.panels import colours, shown
from tests.support.window.shown import play

PANELS = (EegPanel, VideoPanel, FilmStrip, SimilarityPanel, AttentionPanel, ScalpPanel)


@pytest.mark.parametrize("kind", PANELS)
def test_an_empty_panel_says_what_would_fill_it(kind, qtbot):
    view = FakeView()
    view.eeg_from = view.eeg_until = 1e9
    panel = shown(kind(), qtbot, view)
    assert not panel.has_content
    assert len(panel.empty.text) > 20


@pytest.mark.parametrize("kind", PANELS)
def test_a_panel_shows_a_session(kind, qtbot, view):
    panel = shown(kind(), qtbot, view)
    empty = shown(kind(), qtbot, FakeView())
    assert panel.has_content
    assert colours(panel) > colours(empty)


@pytest.mark.parametrize("kind", PANELS)
def test_a_panel_explains_itself_with_units(kind, qtbot, view):
    tip = shown(kind(), qtbot, view).toolTip()
    assert len(tip) > 60
    assert tip.endswith(".")


def test_an_empty_panel_offers_the_button_that_fills_it(qtbot):
    pressed = []
    panel = EegPanel()
    panel.empty.offer("Start the virtual headset", lambda: pressed.append(1))
    shown(panel, qtbot, FakeView())
    panel.empty.button.click()
    assert pressed == [1]


def test_old_values_say_how_old_they_are(qtbot, view):
    panel = shown(SimilarityPanel(), qtbot, view)
    assert panel.age.isHidden()
    panel.show_age(3.2)
    assert panel.age.text() == "▲ 3 s old"
    panel.show_age(None)
    assert panel.age.isHidden()


def test_a_picture_keeps_its_shape_in_the_panel():

    box = fitted(640, 360, QRectF(0, 0, 500, 500))
    assert (box.width(), box.height()) == (500, 281.25)
    assert box.center().y() == 250


def test_the_figures_tell_similarity_match_and_how_far_to_trust_them(qtbot, view):
    panel = shown(SimilarityPanel(), qtbot, view)
    newest = view.readings.get().value
    assert panel.figures.similarity.text() == f"{newest.similarity:+.2f}".replace("-", "−")
    assert panel.figures.match.text() == f"{newest.match:.2f}"
    low, high = newest.chance.two_way_ci
    assert panel.accuracy.value.text() == "0.87"
    assert panel.accuracy.interval.text() == f"[{low:.2f}, {high:.2f}]  n = {newest.chance.n}"


def test_untrained_weights_are_told_across_the_similarity_panel(qtbot):
    view = FakeView(weights="untrained")
    play(view, 20)
    panel = shown(SimilarityPanel(), qtbot, view)
    assert panel.banner.isVisible()
    assert "Untrained" in panel.banner.text()
    assert panel.figures.verdict.text() == "untrained"
    assert panel.figures.similarity.property("tone") == "muted"


def test_trained_weights_have_no_banner(qtbot, view):
    assert not shown(SimilarityPanel(), qtbot, view).banner.isVisible()


def test_the_similarity_curve_ends_at_the_newest_reading_and_is_broken_by_a_pause(qtbot):
    view = FakeView()
    play(view, 20)
    view.eeg_until = view.now()
    play(view, 5)
    view._index = int(view.now() / view.grid.hop_s) + 1
    view.eeg_until = np.inf
    play(view, 10)
    panel = shown(SimilarityPanel(), qtbot, view)
    x, y = panel.curves.curve.getData()
    joined = panel.curves.curve.opts["connect"]
    assert y[-1] == pytest.approx(similarity_at(view.now()))
    assert x[-1] == pytest.approx(0, abs=view.grid.hop_s)
    assert int((~joined[:-1]).sum()) == 1
    hole = 0.5 * (x[:-1][~joined[:-1]][0] + x[1:][~joined[:-1]][0])
    for drawn, inside in ((panel.curves.match_area, 0.01), (panel.curves.band, 0.0)):
        assert not drawn.path().contains(QPointF(hole, inside))
        assert drawn.path().contains(QPointF(-2.0, inside))


def test_the_similarity_axis_widens_in_steps_and_never_jumps_back(qtbot, view):
    panel = shown(SimilarityPanel(), qtbot, view)
    curves = panel.curves
    before = curves.reach
    loud = view.history(60)[-1]
    curves.show_history([replace(loud, similarity=0.9)], view.now(), 0.25)
    assert curves.reach == 1.0 > before
    curves.show_history(view.history(60), view.now(), 0.25)
    assert curves.reach == 1.0


@pytest.mark.parametrize("seconds", [12.0, 30.0])
def test_the_name_of_the_band_of_chance_is_never_cut(qtbot, seconds):
    view = FakeView()
    play(view, seconds)
    panel = shown(SimilarityPanel(), qtbot, view, size=(420, 260))
    plot = panel.curves.similarity
    words = [item for item in plot.items if isinstance(item, pg.TextItem)]
    qtbot.wait_until(lambda: plot.getViewBox().sceneBoundingRect().width() > 100)
    play(view, 0.5)
    panel.refresh(view)
    inside = plot.getViewBox().sceneBoundingRect().adjusted(-1, -50, 1, 50)
    assert [w.toPlainText() for w in words] == ["90 % of chance"]
    assert all(inside.contains(w.mapRectToScene(w.boundingRect())) for w in words)


def test_after_a_seek_the_video_shows_the_new_source_from_its_first_frame_on(qtbot):
    panel, before, after = VideoPanel(), Latest(), Latest()
    qtbot.addWidget(panel)
    for n in range(10):
        before.put(Frame(np.full((4, 4, 3), 100, np.uint8), float(n), n))
    panel.take_frame(before)
    shown_red = [panel.picture.frame_colour(0, 0).red()]
    for n in range(12):
        after.put(Frame(np.full((4, 4, 3), 50, np.uint8), float(n), 200 + n))
        panel.take_frame(after)
        shown_red.append(panel.picture.frame_colour(0, 0).red())
    assert shown_red == [100] + 12 * [50]


def test_an_electrode_of_which_nothing_is_known_has_no_amplitude(qtbot, view):
    whole = view.eeg_window

    def one_missing(seconds):
        times, samples = whole(seconds)
        samples[:, 1] = np.nan
        return times, samples

    view.eeg_window = one_missing
    panel = ScalpPanel()
    panel.switch.setChecked(True)
    shown(panel, qtbot, view)
    assert set(panel.head.values) == set(MUSE) - {"AF7"}


def test_where_no_electrode_is_near_the_scalp_has_no_colour():
    places = np.array([(0.1 * x, 0.8) for x in range(-8, 9)])  # a row over the forehead
    between = Field(places)(np.ones(len(places)))
    assert np.isfinite(between[8, 32])
    assert np.isnan(between[48, 32])


def test_the_film_strip_shows_frames_of_the_interval_and_a_bar_for_each_slot(qtbot, view):
    asked = []
    thumbnails = view.thumbnails
    view.thumbnails = lambda seqs: asked.append(list(seqs)) or thumbnails(seqs)
    panel = shown(FilmStrip(), qtbot, view)
    newest = view.readings.get().value
    assert asked[-1][0] == newest.frame_seq[0]
    assert asked[-1][-1] == newest.frame_seq[-1]
    assert len(panel.strip.weights) == view.grid.n_slots
    assert panel.strip.span_s == (-2.5, -0.5)


def test_a_frame_that_is_no_longer_held_leaves_its_place_empty(qtbot, view):
    view.thumbnails = lambda seqs: [None for _ in seqs]
    assert shown(FilmStrip(), qtbot, view).has_content


def test_a_stream_without_electrode_names_is_told_why_there_is_no_scalp(qtbot):
    view = FakeView(("ch1", "ch2"))
    play(view, 10)
    panel = shown(ScalpPanel(), qtbot, view)
    assert not panel.has_content
    assert "10-20" in panel.empty.text


def test_the_field_between_electrodes_has_their_values_at_their_places():
    places = np.array([[0.0, 0.5], [0.5, -0.5], [-0.5, -0.5]])
    values = np.array([1.0, 0.0, 0.5])
    between = Field(places)(values)
    for (right, front), value in zip(places, values, strict=True):
        row, column = round((1.05 - front) / 2.1 * 64 - 0.5), round((right + 1.05) / 2.1 * 64 - 0.5)
        assert between[row, column] == pytest.approx(value, abs=0.05)
    assert np.isnan(between[0, 0])
    assert np.nanmax(between) <= 1.0
    assert np.nanmin(between) >= 0.0
