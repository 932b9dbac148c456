"""Boards behind BrainFlow reach LSL with steady times, and every package that was lost is counted."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pylsl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.boards.brainflow import BoardOptions, BrainFlowBoard, board_names
from realtime.boards.bridge import Packages, Sent, serve
from realtime.boards.packages import PackageCounter, SteadyStamps
from realtime.errors import ConfigError, RunError, StreamFormatError, StreamNotFound
from realtime.time.clock import LslClock, ManualClock
from realtime.types import EegInfo

RATE = 250.0


@pytest.fixture
def brainflow():
    """BrainFlow itself; skips where the extra is not installed."""
    try:
        board_names()
    except ConfigError as error:
        pytest.skip(str(error))


# --- the count of packages -------------------------------------------------------------------------------


def _numbers(n, step=1, in_package=1, low=0, high=255):
    """Of the packages of `n` samples, as a headset counts them."""
    return (low + np.arange(n) // in_package * step % (high - low + step)).astype(float)


COUNTS = [
    {"step": 1, "in_package": 1, "low": 0, "high": 255},  # Cyton
    {"step": 2, "in_package": 1, "low": 0, "high": 254},  # Cyton with Daisy
    {"step": 1, "in_package": 2, "low": 0, "high": 200},  # Ganglion
    {"step": 1, "in_package": 12, "low": 0, "high": 65535},  # Muse
    {"step": 1, "in_package": 4, "low": 1, "high": 100},
]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(COUNTS), st.data())
def test_every_lost_package_is_counted_however_a_headset_counts(count, data):
    n = 3000
    numbers, times = _numbers(n, **count), np.arange(n) / RATE
    known = 2 * (count["high"] - count["low"] + count["step"]) // count["step"] * count["in_package"]
    first = min(known, 1000)
    packages = np.arange(n) // count["in_package"]
    lost = np.isin(packages, data.draw(st.lists(st.integers(packages[first], packages[-13]), max_size=30)))
    kept = np.flatnonzero(~lost)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(kept)), max_size=6)))
    counter = PackageCounter(RATE)
    parts = [counter.missing(numbers[k], times[k]) for k in np.split(kept, cuts)]
    np.testing.assert_array_equal(np.concatenate(parts), np.diff(kept, prepend=-1) - 1)


def test_a_new_count_that_there_was_no_time_for_is_no_loss():
    numbers = np.concatenate([_numbers(400, low=1, high=100, in_package=2), 101 + np.arange(200) // 2])
    assert PackageCounter(200.0).missing(numbers, np.arange(600) / 200).sum() == 0


def test_a_board_that_counts_nothing_loses_nothing():
    assert PackageCounter(RATE).missing(np.zeros(1000), np.arange(1000) / RATE).sum() == 0


def _arrivals(times, burst, seed=0):
    """Packages of `burst` samples arrive together, 5 to 35 ms after the last one was taken."""
    random = np.random.default_rng(seed)
    packet = np.arange(len(times)) // burst
    last = times[np.minimum(packet * burst + burst - 1, len(times) - 1)]
    late = 0.005 + random.uniform(0, 0.03, packet[-1] + 1)[packet]
    return np.maximum.accumulate(last + late)


@pytest.mark.parametrize("burst", [1, 12])
def test_times_do_not_jump_with_bursts_and_a_gap_is_as_long_as_what_is_missing(burst):
    n, drift = 6000, 1 + 80e-6
    taken = np.arange(n) / (RATE * drift)
    kept = np.setdiff1d(np.arange(n), [*range(2400, 2412), *range(4200, 4248)])  # whole packages of 12
    arrived = _arrivals(taken, burst)
    steady, numbers = SteadyStamps(RATE, 1), _numbers(n, in_package=burst)
    done = [
        steady.push(part[:, None].astype(np.float32), arrived[part], numbers[part])
        for part in np.array_split(kept, 150)
    ]
    done.append(steady.flush())
    number = np.concatenate([samples[:, 0] for samples, _ in done])
    stamps = np.concatenate([stamps for _, stamps in done])
    np.testing.assert_array_equal(number, kept)
    assert steady.lost == 60
    steps = np.diff(stamps) - np.diff(kept) / RATE
    assert np.abs(steps[2 * int(RATE) :]).max() < 1.5e-3
    assert np.abs(steps).max() < 3e-3  # while the line is being found
    assert np.abs(np.diff(arrived)).max() > 0.015  # what it was made of
    off = (stamps - taken[kept])[1000:]
    assert off.std() < 2e-3
    assert 0 < off.mean() < 0.1


def test_the_longest_losses_are_found_by_the_clock_where_the_count_has_begun_anew():
    n = 4000
    kept = np.setdiff1d(np.arange(n), np.arange(2000, 2300))  # more than the 256 the count can tell
    steady = SteadyStamps(RATE, 1)
    parts = [
        steady.push(k[:, None].astype(np.float32), k / RATE, _numbers(n)[k])[1]
        for k in np.array_split(kept, 90)
    ]
    stamps = np.concatenate([*parts, steady.flush()[1]])
    np.testing.assert_allclose(stamps, kept / RATE, atol=1e-3)
    assert steady.lost == 300


# --- the bridge ------------------------------------------------------------------------------------------


class ScriptedBoard:
    """Sends what it is told to, on a clock that is moved by hand; Unix time is that clock's and a million."""

    ends = False

    def __init__(self, clock, until, source_id):
        self.clock, self.until, self.sent, self.open_ = clock, until, 0, False
        self.info = EegInfo("Scripted", ("Fz", "Oz"), "microvolts", RATE, source_id)

    def wall(self):
        return self.clock.now() + 1e6

    def open(self):
        self.open_, self.begun = True, self.clock.now()
        return self.info

    def read(self):
        due = int(min(self.clock.now() - self.begun, self.until) * RATE)
        number = np.arange(self.sent, due)
        self.sent = due
        samples = np.stack([number, -number], 1).astype(np.float32)
        return Packages(samples, self.begun + 1e6 + number / RATE, (number % 256).astype(float))

    def close(self):
        self.open_ = False


def test_a_bridge_ends_after_its_seconds_and_says_what_it_sent(source_id):
    clock = ManualClock(10.0)
    board = ScriptedBoard(clock, 100.0, source_id)
    sent = serve(board, clock, lambda: False, 3.0, board.wall)
    assert sent.lost == 0
    assert sent.samples == pytest.approx(750, abs=6)
    assert not board.open_


def test_a_board_that_falls_silent_is_an_error_and_one_that_never_spoke_is_not_found(source_id):
    clock = ManualClock()
    board = ScriptedBoard(clock, 2.0, source_id)
    with pytest.raises(RunError, match="sent nothing for 10 s: check its battery"):
        serve(board, clock, lambda: False, None, board.wall)
    assert not board.open_
    board = ScriptedBoard(clock, 0.0, source_id + "b")
    with pytest.raises(StreamNotFound, match="connected, but sends nothing"):
        serve(board, clock, lambda: False, None, board.wall)


# --- BrainFlow's own boards ------------------------------------------------------------------------------


class Listener:
    """Bridges a board in a thread, and hears what it sends."""

    def __init__(self, board, source_id):
        self._stop, self.sent = threading.Event(), None
        self._thread = threading.Thread(target=self._serve, args=(board,))
        self._thread.start()
        self.eeg, self.losses = (self._inlet(source_id + end) for end in ("", "-losses"))
        self.info = self.eeg.info(5.0)

    def _serve(self, board):
        self.sent = serve(board, LslClock(), self._stop.is_set)

    @staticmethod
    def _inlet(source_id):
        inlet = pylsl.StreamInlet(pylsl.resolve_byprop("source_id", source_id, 1, 10.0)[0], recover=False)
        inlet.open_stream(5.0)
        return inlet

    def hear(self, seconds):
        """Samples, stamps and losses of so many seconds."""
        samples, stamps, until = [], [], time.monotonic() + seconds
        while time.monotonic() < until:
            values, at = self.eeg.pull_chunk(0.2, max_samples=4096, as_numpy=True)
            samples.append(np.asarray(values).reshape(-1, self.info.channel_count()))
            stamps.append(np.asarray(at))
        losses = self.losses.pull_chunk(0.0)[0]
        return np.concatenate(samples), np.concatenate(stamps), [loss for (loss,) in losses]

    def end(self):
        self._stop.set()
        self.join()

    def join(self):
        del self.eeg, self.losses  # inlets go before outlets
        self._thread.join(10.0)


def test_the_synthetic_board_is_a_headset_like_any_other(brainflow, source_id):
    listener = Listener(BrainFlowBoard(BoardOptions(board="Synthetic", source_id=source_id)), source_id)
    samples, stamps, losses = listener.hear(2.0)
    now = time.monotonic()
    listener.end()
    info = listener.info
    assert (info.name(), info.type(), info.nominal_srate()) == ("Synthetic", "EEG", 250.0)
    assert info.get_channel_labels()[:4] == ["Fz", "C3", "Cz", "C4"]
    assert info.get_channel_units() == ["microvolts"] * 16
    assert len(stamps) > 300
    # The board's own thread sleeps 4 ms or so, on a machine that others use too; the times are regular.
    assert np.abs(np.diff(stamps) - 1 / RATE).max() < 2.5e-3
    assert -0.1 < now - stamps[-1] < 1.0
    assert 1 < np.abs(samples).max() < 1e5
    assert losses
    assert set(losses) == {0}
    assert listener.sent.samples >= len(stamps)


def _write_recording(path, numbers):
    """A file as BrainFlow writes it of a Cyton: channel 1 carries the sample's number."""
    rows = np.zeros((24, len(numbers)))
    rows[0], rows[1], rows[22] = numbers % 256, numbers, 1.7e9 + numbers / RATE
    np.savetxt(path, rows.T, "%.6f", "\t")


def test_a_recording_is_played_back_with_its_losses_and_ends(brainflow, source_id, tmp_path):
    kept = np.setdiff1d(np.arange(700), [*range(300, 309), *range(450, 475)])
    _write_recording(tmp_path / "cyton.csv", kept)
    options = BoardOptions(board="cyton", playback=str(tmp_path / "cyton.csv"), source_id=source_id)
    listener = Listener(BrainFlowBoard(options), source_id)
    samples, stamps, losses = listener.hear(3.2)
    listener.join()
    number = samples[:, 0].astype(int)
    assert listener.sent == Sent(len(kept), 34)
    np.testing.assert_array_equal(number, kept[-len(number) :])
    assert number[0] < 250  # heard from before the first loss
    assert np.abs(np.diff(stamps) - np.diff(number) / RATE).max() < 2.5e-3
    assert losses[-1] == 34


def test_a_recording_of_another_board_is_told(brainflow, source_id, tmp_path):
    _write_recording(tmp_path / "cyton.csv", np.arange(50))
    board = BrainFlowBoard(BoardOptions(board="muse_2", playback=str(tmp_path / "cyton.csv")))
    clock = ManualClock()
    with pytest.raises(StreamFormatError, match="made with another board"):
        serve(board, clock, lambda: False)
    with pytest.raises(ConfigError, match="cannot be played back"):
        BrainFlowBoard(BoardOptions(board="cyton", playback=str(tmp_path / "none.csv"))).open()


def test_boards_are_found_by_any_spelling_and_unknown_ones_get_the_list(brainflow):
    assert {"synthetic", "cyton", "muse_2", "ganglion"} <= set(board_names())
    for spelling in ("muse 2", "MUSE_2_BOARD", "Muse-2", "38"):
        assert BrainFlowBoard(BoardOptions(board=spelling)).info.labels == ("TP9", "AF7", "AF8", "TP10")
    with pytest.raises(
        ConfigError, match=r"no board 'citon'. Did you mean cyton.*It knows synthetic, cyton,"
    ):
        BrainFlowBoard(BoardOptions(board="citon"))
    with pytest.raises(StreamFormatError, match="records no EEG"):
        BrainFlowBoard(BoardOptions(board="gforce_pro"))


def test_electrodes_may_be_named_and_have_to_be_as_many_as_there_are(brainflow):
    unnamed = BrainFlowBoard(BoardOptions(board="ganglion"))
    assert unnamed.info.labels == ("ch1", "ch2", "ch3", "ch4")
    named = BrainFlowBoard(BoardOptions(board="ganglion", channels=("O1", "Oz", "O2", "Pz")))
    assert named.info.labels[1] == "Oz"
    with pytest.raises(StreamFormatError, match="has 4 channels, and 2 are named"):
        BrainFlowBoard(BoardOptions(board="ganglion", channels=("O1", "Oz")))


def test_a_board_that_is_not_there_says_what_to_check(brainflow):
    with pytest.raises(ConfigError, match="--serial-port"):
        BrainFlowBoard(BoardOptions(board="cyton")).open()
    with pytest.raises(StreamNotFound, match=r"UNABLE_TO_OPEN_PORT_ERROR.*switched on"):
        BrainFlowBoard(BoardOptions(board="cyton", serial_port="/dev/none")).open()


# --- without it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "advice"),
    [("brainflow", r"pip install 'phosphene\[brainflow\]'"), ("brainflow.board_shim", "phosphene")],
)
def test_without_brainflow_the_extra_is_named(monkeypatch, missing, advice):
    for name in [name for name in sys.modules if name.split(".")[0] == "brainflow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=advice):
        board_names()


@pytest.mark.parametrize(
    ("options", "reason"),
    [(["--board", "cyton", "--rate", "500"], "--rate is for the virtual one"),
     (["--serial-port", "COM3"], "--serial-port is for a real headset: name it with --board")],
)  # fmt: skip
def test_the_command_refuses_options_of_the_other_kind(options, reason):
    command = [sys.executable, "-m", "phosphene", "headset", *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_the_command_bridges_a_board_and_says_what_went(brainflow, source_id):
    command = [sys.executable, "-m", "phosphene", "headset", "--board", "synthetic", "--seconds", "1"]
    ended = subprocess.run([*command, "--source-id", source_id], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0
    assert "Connecting to Synthetic, 16 channels at 250 Hz" in ended.stderr
    assert "0 lost on the way" in ended.stderr
    assert "Warning" not in ended.stderr
