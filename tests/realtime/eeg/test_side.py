"""What a stream carries beside its EEG: on the same grid, in its own unit, missing where it is missing."""

from __future__ import annotations

import numpy as np

from realtime.eeg.side import SideChannels
from realtime.types import EegChunk, EegInfo

INFO = EegInfo(
    "cap",
    ("Cz", "HEOG", "acc"),
    "microvolts",
    250.0,
    units=("microvolts", "mV", "g"),
    kinds=("eeg", "eog", "misc"),
)


def test_other_channels_lie_on_the_grid_in_microvolts_or_in_their_own_unit():
    side = SideChannels(INFO, [0], 200, 10.0)
    assert (side.labels, side.kinds, side.units) == (("HEOG", "acc"), ("eog", "misc"), ("µV", "g"))
    t = 100 + np.arange(1000) / 250
    wave = np.sin(2 * np.pi * 2 * t)
    side.push(EegChunk(np.stack([0 * t, 0.05 * wave, 1 + wave], 1).astype(np.float32), t))
    rows, valid = side.ring.read(side.ring.head - 400, side.ring.head)
    times = np.arange(side.ring.head - 400, side.ring.head) / 200
    assert valid.all()
    np.testing.assert_allclose(rows[:, 0], 50 * np.sin(2 * np.pi * 2 * times), atol=0.5)
    np.testing.assert_allclose(rows[:, 1], 1 + np.sin(2 * np.pi * 2 * times), atol=0.01)


def test_a_stream_of_eeg_alone_keeps_nothing():
    side = SideChannels(EegInfo("muse", ("TP9", "TP10"), "uV", 256.0), [0, 1], 200, 10.0)
    side.push(EegChunk(np.zeros((100, 2), np.float32), np.arange(100) / 256))
    assert side.labels == ()
    assert side.ring.head == 0
