"""The spectrum of the chosen channels, live: what the signal of the last seconds is made of."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from scipy.signal import welch

from experiment.state import View
from gui import captions
from gui.eeg.channels import Channels
from gui.eeg.lines import Lines
from gui.panel import Numbers, Panel
from gui.theme import Theme
from realtime.types import FloatArray

SPAN_S = 8.0  # of EEG that a spectrum is made of
SEGMENT_S = 2.0  # of its segments: half a hertz apart
_EVERY_S = 0.5
_MOST_HZ = 60.0
_LEAST = 1e-4  # µV²/Hz: what is less is drawn there (an open input, a filter's stop band)
_LABEL = {"position": 0.9, "anchors": [(0, 0.5), (0, 0.5)]}  # beside the line, over the legend
_BANDS = ((4, "θ"), (8, "α"), (13, "β"), (30, "γ"))


def spectrum(samples: FloatArray, rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the power density of each channel (Welch 1967: Hann windows of 2 s, overlapping by half).

    Parameters
    ----------
    samples : array of shape (n, n_channels), µV
        The longest stretch without a hole is used.
    rate : float
        Samples a second.

    Returns
    -------
    frequencies : array of shape (n_frequencies,), Hz
    density : array of shape (n_frequencies, n_channels), µV²/Hz
        Both empty where no stretch is as long as a segment.
    """
    known = np.isfinite(samples).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    starts, stops = edges[::2], edges[1::2]
    length = round(SEGMENT_S * rate)
    if not len(starts) or (stops - starts).max() < length:
        return np.zeros(0), np.zeros((0, samples.shape[1]))
    longest = int(np.argmax(stops - starts))
    frequencies, density = welch(
        samples[starts[longest] : stops[longest]].astype(np.float64), rate, nperseg=length, axis=0
    )
    return frequencies, density


class SpectrumPanel(Panel):
    """Power density over frequency, one line for each chosen channel."""

    def __init__(self, channels: Channels) -> None:
        super().__init__(captions.SPECTRUM)
        self._channels = channels
        self.plot = pg.PlotWidget()
        self.plot.setMinimumSize(160, 100)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setLabel("bottom", "frequency, Hz")
        self.plot.setLabel("left", "dB")
        self.lines = Lines(self.plot.getPlotItem())
        self._bands = [pg.InfiniteLine(hz, label=word, labelOpts=_LABEL) for hz, word in _BANDS]
        for band in self._bands:
            self.plot.addItem(band)
        self.set_content(self.plot)
        self._drawn_at = -np.inf
        self._found: Numbers = Numbers((), ())

    def refresh(self, view: View) -> None:
        """Draw the newest seconds; called by the drawing timer."""
        if abs(view.now() - self._drawn_at) < _EVERY_S:
            return
        self._drawn_at = view.now()
        names = self._channels.chosen_of(view)
        _, samples = view.eeg_window(SPAN_S)
        place = [view.labels.index(name) for name in names]
        hz, density = spectrum(samples[:, place], view.grid.eeg_hz)
        self.show_content(there=len(hz) > 0)
        shown = (hz >= 1) & (hz <= min(_MOST_HZ, view.card.band_hz[1] * 1.5))
        decibel = 10 * np.log10(np.maximum(density[shown], _LEAST))
        self.lines.show(hz[shown], decibel, names)
        self._found = Numbers(
            ("frequency_hz", *(f"{name}_uv2_per_hz" for name in names)),
            [(f, *row) for f, row in zip(hz, density, strict=True)],
        )
        chosen = "" if self._channels.chosen else " · Ctrl and a click on a name in the EEG chooses"
        self.note.say(f"last {SPAN_S:.0f} s{chosen}")

    def numbers(self, view: View) -> Numbers:
        """Return the density of each channel by frequency."""
        return self._found

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.lines.apply_theme(theme)
        for band in self._bands:
            band.setPen(pg.mkPen(theme.colour("grid"), width=1))
            band.label.setColor(theme.colour("muted"))
