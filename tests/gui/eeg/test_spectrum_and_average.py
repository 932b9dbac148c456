"""Spectrum and average in the window, against signals whose answer is known."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from scipy.signal import welch

from gui.eeg.average import EventAverages
from gui.eeg.spectrum import spectrum
from tests.support.fake_view import FakeView

CTRL = Qt.KeyboardModifier.ControlModifier
RATE = 200


def test_a_sine_of_10_uv_has_its_power_at_its_frequency():
    t = np.arange(8 * RATE) / RATE
    hz, density = spectrum((10 * np.sin(2 * np.pi * 12 * t))[:, None].astype(np.float32), RATE)
    assert hz[density[:, 0].argmax()] == 12.0
    assert density[:, 0].sum() * hz[1] == pytest.approx(10**2 / 2, rel=0.01)


def test_a_hole_leaves_the_longest_stretch_and_a_short_one_nothing():
    noise = np.random.default_rng(1).normal(size=(8 * RATE, 2)).astype(np.float32)
    noise[300] = np.nan
    hz, density = spectrum(noise, RATE)
    ours = welch(noise[301:].astype(float), RATE, nperseg=2 * RATE, axis=0)
    np.testing.assert_allclose((hz, density[:, 1]), (ours[0], ours[1][:, 1]))
    assert not len(spectrum(noise[:350], RATE)[0])


class Answering(FakeView):
    """A brain that answers each marker with 8 µV for 0.1 s, 0.3 s after it, on the second channel."""

    def eeg_window(self, seconds):
        times, samples = super().eeg_window(seconds)
        for stamp, text in self.marker_list:
            if text == "target":
                after = times - stamp
                samples[(after >= 0.3) & (after < 0.4), 1] += 8
        return times, samples


def test_the_average_finds_what_every_marker_brings_with_its_n(open_on, tmp_path, monkeypatch):
    view = Answering()
    # Eleven markers, so that the waves of the EEG itself meet them in every phase.
    view.marker_list = [(1003 + 1.37 * n, "target") for n in range(11)] + [(1004.1, "other")]
    window, pass_time = open_on(view, seconds=0.5)
    QTest.keyClick(window, Qt.Key.Key_8, CTRL)
    for _ in range(25):
        pass_time(1.0)
    panel = window.page.average
    assert panel.marker.itemText(0) == "target (11)"
    assert panel.note.words == "n = 11"
    assert panel.lines.names == ("TP9", "AF7", "AF8", "TP10")
    x, y = panel.lines._curves[1].getData()
    rise = y[(x > 0.31) & (x < 0.39)].mean() - y[(x > 0.2) & (x < 0.29)].mean()
    assert rise == pytest.approx(8, abs=5)  # the waves average out no further in eleven
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "average.csv"), ""))
    window.page.average.menu.actions()[1].trigger()
    rows = list(csv.reader((tmp_path / "average.csv").open()))
    assert rows[0] == ["time_s", *(f"{name}_uv_n11" for name in view.labels)]
    np.testing.assert_allclose(np.array(rows[1:], float)[:, 2], y, rtol=1e-5)


def test_a_marker_counts_once_and_not_with_a_hole_in_its_epoch():
    view = FakeView()
    view.marker_list = [(1005.0, "a"), (1007.0, "a")]
    averages = EventAverages()
    view.eeg_from = 1006.0  # nothing measured around the first
    for t in (1007.5, 1008.0, 1009.0):
        view.advance(t)
        averages.collect(view)
    assert averages.n("a") == 1
    assert averages.average("a") is None


def test_the_spectrum_is_there_with_its_key_and_names_its_channels(open_on):
    window, pass_time = open_on(FakeView())
    assert not window.page.spectrum.isVisible()
    QTest.keyClick(window, Qt.Key.Key_7, CTRL)
    pass_time(1.0)
    assert window.page.spectrum.has_content
    assert window.page.spectrum.lines.names == ("TP9", "AF7", "AF8", "TP10")
    x, y = window.page.spectrum.lines._curves[2].getData()
    assert x[y.argmax()] == pytest.approx(3.5)  # channel k swings at 3 + k/4 Hz
