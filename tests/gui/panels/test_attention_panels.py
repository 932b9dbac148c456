"""What is shown of attention: over the picture, place by interval, and what is not drawn as attention."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QRectF

from experiment.state import AttendedShown
from gui.overlay import fitted, heat, part
from gui.panels.attention import (
    AttentionPanel,
    PeakScale,
    coloured,
    known_cells,
    place_history,
    rows_sum_to_one,
)
from gui.panels.scalp import ScalpPanel
from gui.panels.video import VideoPanel
from realtime.types import Rectangle
from tests.support.fake_view import MUSE, FakeView, picture
from tests.support.window.panels import shown
from tests.support.window.shown import play


def test_evenly_spread_attention_leaves_the_picture_as_it_is():
    even = heat(np.full((4, 4), 1 / 16, np.float32))
    assert (even[..., 3] == 0).all()


def test_attention_on_one_patch_marks_that_patch_alone():
    patches = np.zeros((4, 4), np.float32)
    patches[1, 2] = 1
    opaque = heat(patches)[..., 3]
    assert np.argwhere(opaque).tolist() == [[1, 2]]


def test_the_overlay_lies_over_the_patch_the_model_looks_at(qtbot, view):
    panel = shown(VideoPanel(), qtbot, view)
    plain = picture(0)
    panel.switch.setChecked(False)
    off = panel.picture.grab().toImage()
    panel.switch.setChecked(True)
    on = panel.picture.grab().toImage()
    patches = view.readings.get().value.attention.places
    row, column = np.unravel_index(patches.argmax(), patches.shape)
    box = fitted(plain.shape[1], plain.shape[0], panel.picture.rect().toRectF())
    x = int(box.left() + (column + 0.5) / 4 * box.width())
    y = int(box.top() + (row + 0.5) / 4 * box.height())
    assert on.pixelColor(x, y) != off.pixelColor(x, y)


def test_old_attention_is_taken_off_a_new_picture(qtbot, view):
    panel = shown(VideoPanel(), qtbot, view)
    assert panel.picture.overlay
    panel.show_stale(True)
    assert not panel.picture.overlay
    panel.show_stale(False)
    assert panel.picture.overlay


def test_attention_rows_sum_to_one_and_an_empty_row_stays_empty():
    matrix = np.array([[1, 3], [0, 0]], np.float32)
    assert rows_sum_to_one(matrix).tolist() == [[0.25, 0.75], [0, 0]]


def test_the_colour_scale_grows_at_once_and_shrinks_only_after_a_while():
    scale = PeakScale()
    assert scale.follow(0.18, 0.0) == 0.2
    assert scale.follow(0.31, 0.25) == 0.5
    assert scale.follow(0.04, 1.0) == 0.5
    assert scale.follow(0.04, 10.0) == 0.05


def test_the_attention_picture_shows_the_newest_matrix_on_the_times_of_the_video(qtbot, view):
    panel = shown(AttentionPanel(), qtbot, view)
    matrix = rows_sum_to_one(view.readings.get().value.attention.matrix)
    drawn = panel.image.image[..., :3].astype(int)
    brightest = matrix[0].argmax(), matrix[-1].argmax()
    assert (drawn[0].sum(-1).argmax(), drawn[-1].sum(-1).argmax()) == brightest
    rect = panel.image.mapRectToParent(panel.image.boundingRect())
    assert (rect.left(), rect.right()) == pytest.approx((-2.5, -0.5))


def test_moments_without_eeg_or_frame_are_not_drawn_as_no_attention(view):
    whole = view.readings.get().value
    matrix = whole.attention.matrix.copy()
    matrix[3] = 0
    seqs = whole.frame_seq.copy()
    seqs[7] = -1
    cells = known_cells(replace(whole, attention=replace(whole.attention, matrix=matrix), frame_seq=seqs))
    assert np.isnan(cells[3]).all()
    assert np.isnan(cells[:, 7]).all()
    assert np.isfinite(np.delete(np.delete(cells, 3, 0), 7, 1)).all()


def test_the_place_attended_most_is_outlined_where_it_stands_out_and_only_there(qtbot, view):
    panel = shown(VideoPanel(), qtbot, view)
    places = view.readings.get().value.attention.places
    row, column = divmod(int(places.argmax()), places.shape[1])
    assert panel.picture.chosen == (column / 4, row / 4, (column + 1) / 4, (row + 1) / 4)
    assert panel.picture.words == "stands out: 99 %"
    coloured_map = panel.grab().toImage()
    view.certainty = 0.6
    play(view, 0.25)
    panel.refresh(view)
    assert panel.picture.chosen is None
    assert panel.picture.words == "no place stands out (60 %)"
    assert panel.grab().toImage() != coloured_map
    assert len(np.unique(heat(places, sure=False)[..., :3])) == 1


def test_the_truth_of_an_attender_is_drawn_where_it_is_and_the_hit_rate_once_it_stands_on_enough(qtbot, view):
    panel = shown(VideoPanel(), qtbot, view)
    without = panel.grab().toImage()
    attended = AttendedShown(
        truth=1, found=1, outline=Rectangle(0.6, 0.1, 0.8, 0.3), home=Rectangle(0.5, 0, 1, 0.5),
        hit_rate=1.0, ci=(0.5, 1.0), n=4, chance=0.25,
    )  # fmt: skip
    panel.show_attended(attended)
    panel.refresh(view)
    assert panel.note.words == "attends 1 · found 1 · right: n = 4 of 10"
    image, box = panel.picture.grab().toImage(), panel.picture.rect()
    frame = fitted(160, 90, QRectF(box))
    edge = part(frame, attended.home)
    pixel = image.pixelColor(round(edge.center().x()), round(edge.bottom()) - 2)
    assert (pixel.red(), pixel.green(), pixel.blue()) == (0xFD, 0xE7, 0x37)
    assert panel.grab().toImage() != without
    panel.show_attended(replace(attended, hit_rate=0.9, ci=(0.7, 0.97), n=20))
    panel.refresh(view)
    assert panel.note.words == "attends 1 · found 1 · right 0.90 [0.70, 0.97] n=20, chance 0.25"


def test_right_after_a_seek_no_past_interval_is_shown(qtbot, view, monkeypatch):
    panel = shown(AttentionPanel(), qtbot, view)
    assert panel.places.image is not None
    monkeypatch.setattr(view, "history", lambda seconds: [])
    play(view, 0.5)
    panel.refresh(view)
    assert panel.places.image is None


def test_past_intervals_show_their_places_and_nothing_where_there_was_no_reading(view):
    history = view.history(30)
    index = history[-1].index
    gone = [r for r in history if not 8 <= index - r.index < 12]
    shares, sure = place_history(gone, index, 120)
    assert shares.shape == (16, 120)
    assert np.isnan(shares[:, 108:112]).all()
    assert sure[-1]
    newest = history[-1].attention.places
    assert shares[:, -1] == pytest.approx(newest.ravel() * 16 / 3)
    rgba = coloured(shares, sure)
    assert (rgba[:, 108:112, 3] == 0).all()
    assert np.ptp(rgba[:, -1, :3].astype(int), axis=-1).max() > 20  # colours
    grey = coloured(shares, np.zeros(120, bool))
    assert (np.ptp(grey[..., :3].astype(int), axis=-1) == 0).all()


def test_the_attention_within_chance_and_of_an_untrained_network_has_no_colour(qtbot):
    for options, similarity in (({"weights": "untrained"}, 0.4), ({}, 0.0)):
        view = FakeView(**options)
        play(view, 30)
        newest = view.readings.get().value
        view.readings.put(replace(newest, similarity=similarity))
        panel = shown(AttentionPanel(), qtbot, view)
        assert (np.ptp(panel.image.image[..., :3].astype(int), axis=-1) == 0).all()
        assert panel.note.words.endswith("within chance: grey") is not bool(options)


def test_a_blind_session_looks_the_same_whether_it_fits_or_not(qtbot):
    seen = []
    for similarity, certainty in ((0.4, 0.99), (0.0, 0.2)):
        view = FakeView(blind=True)
        view.certainty = certainty
        play(view, 30)
        newest = view.readings.get().value
        view.readings.put(replace(newest, similarity=similarity))
        attention, video = shown(AttentionPanel(), qtbot, view), shown(VideoPanel(), qtbot, view)
        assert (video.picture.chosen, video.picture.words) == (None, "")
        seen.append((attention.note.words, attention.grab().toImage(), video.grab().toImage()))
    assert seen[0] == seen[1]


def test_the_scalp_shows_attention_and_on_request_amplitude(qtbot, view):
    panel = shown(ScalpPanel(), qtbot, view)
    share = view.readings.get().value.attention.channels
    assert panel.head.values == pytest.approx(dict(zip(MUSE, share * 4 / 3, strict=True)))
    panel.switch.setChecked(True)
    panel.refresh(view)
    assert panel.head.values["TP9"] == pytest.approx(15 / 50, abs=0.2)
