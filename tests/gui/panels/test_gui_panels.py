"""Each panel: what it says when empty, what it shows of a session, and what it says when that grows old."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPointF, QRectF

from experiment.state import Actions, AttendedShown, Mode
from gui.app import application
from gui.eeg.panel import EegPanel
from gui.overlay import fitted, heat, part
from gui.pages.header_bar import HeaderBar, eeg_words
from gui.pages.health_bar import HealthBar
from gui.panels.attention import (
    AttentionPanel,
    PeakScale,
    coloured,
    known_cells,
    place_history,
    rows_sum_to_one,
)
from gui.panels.film_strip import FilmStrip
from gui.panels.scalp import Field, ScalpPanel
from gui.panels.similarity import SimilarityPanel
from gui.panels.video import VideoPanel
from gui.verdict import Judge
from gui.words import clock
from realtime.latest import Latest
from realtime.types import EegHealth, Frame, Rectangle, StreamState
from tests.support.fake_view import MUSE, TEN_TEN, FakeView, picture, similarity_at

PANELS = (EegPanel, VideoPanel, FilmStrip, SimilarityPanel, AttentionPanel, ScalpPanel)


@pytest.fixture(autouse=True, scope="module")
def qt():
    return application()


@pytest.fixture
def view() -> FakeView:
    """Half a minute of a session."""
    view = FakeView()
    play(view, 30.0)
    return view


def play(view: FakeView, seconds: float) -> None:
    for t in np.arange(view.now(), view.now() + seconds, 0.25):
        view.advance(float(t) + 0.25)


def shown(panel, qtbot, view, size=(500, 300)):
    qtbot.addWidget(panel)
    panel.resize(*size)
    panel.show()
    panel.refresh(view)
    if isinstance(panel, SimilarityPanel):
        judged = Judge()
        judged.follow(view)
        panel.show_verdict(judged)
    panel.grab()
    return panel


def colours(widget) -> int:
    image = widget.grab().toImage()
    return len({image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)})


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


def test_the_eeg_scale_is_chosen_once_and_then_stays(qtbot, view):
    panel = shown(EegPanel(), qtbot, view)
    chosen = panel.scales("eeg")
    assert chosen in (50, 100)
    panel.change_scale(2)
    louder = panel.scales("eeg")
    play(view, 5)
    panel.refresh(view)
    assert panel.scales("eeg") == louder > chosen


def test_bad_channels_are_counted_and_named_with_the_reason(qtbot, view):
    view.bad = {"AF7": "flat"}
    panel = shown(EegPanel(), qtbot, view)
    assert panel.note.words == "1 of 4 channels bad"
    assert panel.gutter.words("AF7") == "AF7 flat"
    assert panel.gutter.words("AF8") == "AF8"


def test_the_view_filter_changes_what_is_drawn_and_says_its_band(qtbot, view):
    panel = shown(EegPanel(), qtbot, view)
    assert panel.filter_button.text() == "0.5 – 40 Hz"
    before = panel.canvas.grab().toImage()
    panel.next_filter()
    panel.refresh(view)
    assert panel.filter_button.text() == "1 – 15 Hz"
    assert panel.canvas.grab().toImage() != before


def test_the_gutter_grows_for_a_reason_and_does_not_jump_back(qtbot, view):
    panel = shown(EegPanel(), qtbot, view)
    narrow = panel.gutter.width()
    view.bad = {"TP10": "railing"}
    panel.refresh(view)
    wide = panel.gutter.width()
    view.bad = {}
    panel.refresh(view)
    assert panel.gutter.width() == wide > narrow


def test_64_channels_are_all_named_or_left_out_without_overlapping(qtbot):
    view = FakeView(TEN_TEN, bad={"C3": "flat"})
    play(view, 5)
    panel = shown(EegPanel(), qtbot, view, (700, 400))
    panel.toggle_all()
    panel.refresh(view)
    middles = sorted(middle for _, middle, _ in panel.gutter.rows())
    assert np.diff(middles).min() >= 9
    assert any(name == "C3" for name, _, _ in panel.gutter.rows())


def test_evenly_spread_attention_leaves_the_picture_as_it_is():
    even = heat(np.full((4, 4), 1 / 16, np.float32))
    assert (even[..., 3] == 0).all()


def test_attention_on_one_patch_marks_that_patch_alone():
    patches = np.zeros((4, 4), np.float32)
    patches[1, 2] = 1
    opaque = heat(patches)[..., 3]
    assert np.argwhere(opaque).tolist() == [[1, 2]]


def test_a_picture_keeps_its_shape_in_the_panel():
    from PySide6.QtCore import QRectF

    box = fitted(640, 360, QRectF(0, 0, 500, 500))
    assert (box.width(), box.height()) == (500, 281.25)
    assert box.center().y() == 250


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


def test_of_many_channels_sixteen_are_shown_at_a_time_and_all_on_a_click(qtbot):
    view = FakeView(TEN_TEN, bad={"Oz": "flat"})
    play(view, 15)
    panel = shown(EegPanel(), qtbot, view)

    def named() -> list[str]:
        panel.refresh(view)
        return list(panel.gutter.labels)

    assert named() == list(TEN_TEN[:16])
    assert panel.pages.text() == "1 – 16 of 64"
    assert panel.note.words == "1 of 64 channels bad"
    panel.turn_page(1)
    assert named() == list(TEN_TEN[16:32])
    for _ in range(9):
        panel.turn_page(1)
    assert named() == list(TEN_TEN[48:])
    panel.pages.click()
    assert named() == list(TEN_TEN)
    assert not shown(EegPanel(), qtbot, FakeView()).pages.isVisible()


def test_the_cursor_reads_the_channel_and_moment_under_the_mouse(qtbot, view):
    panel = shown(EegPanel(), qtbot, view)
    canvas = panel.canvas
    box = canvas.traces_box
    canvas.hover = QPointF(canvas.width() * 0.6, box.top() + box.height() * 0.3)  # 4 s ago, second of four
    panel.refresh(view)
    times, samples = view.eeg_window(10.0)
    value = samples[np.searchsorted(times, view.now() - 4.0), 1]
    assert panel.canvas.reads == f"AF7  {value:+.1f} µV  −4.00 s".replace("-", "−")


def test_the_time_shown_is_chosen_and_the_traces_fill_it(qtbot, view):
    panel = shown(EegPanel(), qtbot, view)
    assert panel.time_button.text() == "10 s"
    panel.change_time(1)
    panel.refresh(view)
    assert panel.time_button.text() == "20 s"
    image = panel.canvas.traces().toImage()
    first = [image.pixelColor(2, y).alpha() for y in range(image.height())]
    assert any(first)
    for _ in range(9):
        panel.change_time(-1)
    panel.refresh(view)
    assert panel.time_button.text() == "2 s"


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


def test_the_scalp_shows_attention_and_on_request_amplitude(qtbot, view):
    panel = shown(ScalpPanel(), qtbot, view)
    share = view.readings.get().value.attention.channels
    assert panel.head.values == pytest.approx(dict(zip(MUSE, share * 4 / 3, strict=True)))
    panel.switch.setChecked(True)
    panel.refresh(view)
    assert panel.head.values["TP9"] == pytest.approx(15 / 50, abs=0.2)


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


@pytest.mark.parametrize(
    ("state", "sign", "tone"),
    [
        (StreamState.LIVE, "● LIVE", ""),
        (StreamState.SEARCHING, "○ SEARCHING", "muted"),
        (StreamState.STALLED, "▲ STALLED 4 s", "warn"),
        (StreamState.LOST, "✕ LOST 4 s", "alarm"),
        (StreamState.FINISHED, "■ ENDED", "muted"),
    ],
)
def test_a_state_is_a_sign_a_word_and_a_tone(state, sign, tone, qtbot, view):
    header = HeaderBar(Mode.LIVE, Actions())
    qtbot.addWidget(header)
    view.state, view.eeg_until = state, view.now() - 4
    header.refresh(view)
    assert header.eeg.state.text() == sign
    assert header.eeg.state.property("tone") == tone


def test_the_header_tells_what_streams_deliver_with_units():
    words = eeg_words(EegHealth("Muse", StreamState.LIVE, 5, 256.0, 255.96))
    assert words == "Muse · 5 ch · 256.0 Hz"


def test_a_recording_is_told_with_its_length(qtbot, view):
    header = HeaderBar(Mode.LIVE, Actions(toggle_recording=lambda: None, recorded_s=lambda: 754.0))
    qtbot.addWidget(header)
    header.refresh(view)
    assert header.recording.text() == "● REC 00:12:34"
    assert header.record.text() == "Stop"
    assert clock(3600 * 11 + 61) == "11:01:01"


def test_the_health_line_tells_every_loss(qtbot, view):
    bar = HealthBar()
    qtbot.addWidget(bar)
    view.counters = lambda: {
        "latency_p95_ms": 31.4,
        "skipped_ticks": 2,
        "late_intervals": 3,
        "frames_dropped": 4,
    }
    view.eeg_health = lambda: EegHealth("Muse", gaps=5, lost_samples=60, drift_ppm=-7.4)
    whole = view.video_health()
    view.video_health = lambda: replace(whole, thinned=6)
    bar.refresh(view)
    assert [figure.value.text() for figure in bar.figures] == [
        "31 ms p95", "2", "3", "4", "6", "−7 ppm", "5 · 60 samples",
    ]  # fmt: skip


def test_a_late_reading_is_marked_with_a_sign_beside_the_colour(qtbot, view):
    bar = HealthBar()
    qtbot.addWidget(bar)
    view.counters = lambda: {"latency_p95_ms": 250.0}
    bar.refresh(view)
    assert bar.latency.value.text() == "▲ 250 ms p95"
    assert bar.latency.value.property("tone") == "warn"


def test_before_the_first_reading_there_is_no_latency(qtbot, view):
    bar = HealthBar()
    qtbot.addWidget(bar)
    view.counters = lambda: {"latency_p95_ms": float("nan")}
    bar.refresh(view)
    assert bar.latency.value.text() == "–"


def test_frames_the_network_was_too_slow_for_are_told_once_there_are_any(qtbot):
    view, bar = FakeView(), HealthBar()
    qtbot.addWidget(bar)
    bar.refresh(view)
    assert bar.thinned.isHidden()
    whole = view.video_health()
    view.video_health = lambda: replace(whole, thinned=7)
    bar.refresh(view)
    assert not bar.thinned.isHidden()
    assert bar.thinned.value.text() == "7"
    bar.refresh(view, frozenset({"thinned"}))
    assert bar.thinned.value.text() == "▲ 7"
