"""A headset on another machine, by a radio link that is late, unsteady, loses packets and breaks off.

Beside this program stands a plain liblsl inlet. Both machines have one clock, so the truth of every time is
the sender's own stamp.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from recordings.session.session import Session
from tests.realtime.lsl.test_nothing_is_lost import Receiver, both_have_all, sender
from tests.support.radio import Air, radio

GOOD = Air(delay_s=0.002, jitter_s=0.002)
WIFI = Air(delay_s=0.01, jitter_s=0.02, loss=0.02)
POOR = Air(delay_s=0.08, jitter_s=0.06, loss=0.05)


@pytest.mark.long
@pytest.mark.parametrize("air", [GOOD, WIFI, POOR], ids=["good", "wifi", "poor"])
@pytest.mark.parametrize("cuts", [(), (1.0, 3.0, 6.0)], ids=["", "cut"])
def test_nothing_is_lost_by_a_radio_link(air, cuts, source_id, tmp_path):
    with radio(tmp_path, air) as link:
        there, here = link.ends
        with sender(there, link.environment, name=source_id, source_id=source_id):
            receiver = Receiver(source_id, 10.0, at=here, env=link.environment)
            time.sleep(4.0)
            for cut_s in cuts:
                link.cut(joined=False)
                time.sleep(cut_s)
                link.cut(joined=True)
                time.sleep(3.0 + 1.5 * cut_s)
            time.sleep(2.0)
            both_have_all(receiver.told(), 4.0 + sum(cuts))


@pytest.mark.long
@pytest.mark.parametrize(("air", "within_s"), [(GOOD, 2e-3), (WIFI, 10e-3), (POOR, 50e-3)])
def test_a_session_recorded_over_a_radio_link_is_whole_and_in_time(air, within_s, source_id, tmp_path):
    film = "recordings/examples/virtual-subject/stimulus.mkv"
    with radio(tmp_path, air) as link:
        there, here = link.ends
        with sender(there, link.environment, name=source_id, source_id=source_id):
            recorder = subprocess.Popen(
                [
                    *here, sys.executable, "-m", "phosphene", "record", str(tmp_path / "out"),
                    "--eeg", f"name={source_id}", "--video", film, "--headless", "--json", "--seconds", "20",
                ],
                env=link.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            try:
                while not any((tmp_path / "out").glob("*/session.xdf")):
                    assert recorder.poll() is None
                    time.sleep(0.2)
                time.sleep(8.0)
                link.cut(joined=False)
                time.sleep(2.0)
                link.cut(joined=True)
                summary = json.loads(recorder.communicate(timeout=120.0)[0])
            finally:
                recorder.send_signal(signal.SIGKILL)
    assert summary["errors"] == []
    assert (summary["eeg"]["gaps"], summary["eeg"]["lost_samples"]) == (0, 0)
    with Session(next((tmp_path / "out").iterdir())) as session:
        pieces = list(session.eeg().pieces())
        numbers = np.concatenate([piece.samples[:, 0] for piece in pieces]).astype(int)
        off = np.concatenate([piece.times - piece.stamps for piece in pieces])
        n_offsets = len({offset.value for offset in session.eeg().offsets})
    assert (np.diff(numbers) == 1).all()
    assert len(numbers) > 15 * 250
    assert n_offsets > 1
    assert np.abs(off).max() < within_s
