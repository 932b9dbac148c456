"""The virtual headset: what it sends is a function of the sample's number, and its flaws are as ordered."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pylsl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from realtime.eeg.electrodes import position
from realtime.errors import ConfigError, StreamFormatError
from realtime.time.clock import ManualClock
from realtime.virtual.headset import HeadsetOptions, VirtualHeadset, serve
from realtime.virtual.resting import RestingEeg


def run(
    options: HeadsetOptions, n: int, chunk: int = 64, start: float = 100.0
) -> tuple[np.ndarray, np.ndarray]:
    headset = VirtualHeadset(options, start)
    samples, stamps = zip(*(headset.read(min(chunk, n - first)) for first in range(0, n, chunk)), strict=True)
    return np.concatenate(samples), np.concatenate(stamps)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=12), st.integers(0, 2**40))
def test_any_chunking_gives_the_same_samples_stamps_and_losses(sizes, seed):
    options = HeadsetOptions(channels=3, rate=250, jitter_ms=4, dropouts=0.4, dropout_s=0.3, seed=seed)
    whole, cut = VirtualHeadset(options, 5.0), VirtualHeadset(options, 5.0)
    parts = [cut.read(size) for size in sizes]
    samples, stamps = whole.read(sum(sizes))
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), samples)
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), stamps)


def test_two_seeds_are_two_heads_and_one_seed_is_one():
    labels = ("Fz", "Oz")
    a, b, c = (RestingEeg(labels, 250.0, seed).read(500) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert np.abs(np.corrcoef(a[:, 0], c[:, 0])[0, 1]) < 0.5


def test_the_signal_looks_like_eeg_with_alpha_at_the_back_and_blinks_in_front():
    from scipy.signal import welch

    labels = ("Fp1", "Cz", "PO3")
    eeg = RestingEeg(labels, 250.0, 3, noise_uv=10, alpha_uv=12, blinks_per_min=20, line_uv=3).read(250 * 120)
    hz, power = welch(eeg, 250.0, nperseg=500, axis=0)
    band = {
        name: (hz >= low) & (hz < high)
        for name, low, high in (("alpha", 9, 11), ("near", 13, 20), ("line", 49.5, 51))
    }
    mean = {name: power[where].mean(axis=0) for name, where in band.items()}
    assert mean["alpha"][2] > 10 * mean["near"][2]
    assert mean["line"][1] > 3 * power[(hz > 52) & (hz < 60)].mean(axis=0)[1]
    assert eeg[:, 0].max() > 60
    assert np.median(np.abs(eeg)) == pytest.approx(15, abs=12)


def test_drift_stretches_time_and_jitter_shakes_it():
    options = HeadsetOptions(channels=1, rate=500, drift_ppm=200, jitter_ms=5)
    _, stamps = run(options, 5000)
    true = 100 + np.arange(5000) / (500 * 1.0002)
    off = stamps - true
    assert np.abs(off).max() <= 5e-3
    assert off.std() == pytest.approx(5e-3 / np.sqrt(3), rel=0.1)


def test_losses_fall_where_they_are_ordered_and_the_rest_keeps_its_number():
    options = HeadsetOptions(channels=1, rate=250, dropouts=((1.0, 0.5), (3.0, 0.2)), ramp="number")
    samples, stamps = run(options, 1000)
    kept = samples[:, 0].astype(int)
    lost = np.setdiff1d(np.arange(1000), kept)
    np.testing.assert_array_equal(lost, [*range(250, 375), *range(750, 800)])
    np.testing.assert_allclose(stamps, 100 + kept / 250, atol=1e-9)


def test_losses_by_chance_come_about_as_often_as_ordered():
    options = HeadsetOptions(channels=1, rate=100, dropouts=0.2, dropout_s=0.1, ramp="number")
    samples, _ = run(options, 100 * 300, chunk=5000)
    assert 1 - len(samples) / 30_000 == pytest.approx(0.02, abs=0.008)


def test_a_ramp_of_time_is_the_samples_own():
    samples, stamps = run(HeadsetOptions(channels=2, rate=250, drift_ppm=500, ramp="time"), 700)
    np.testing.assert_allclose(samples[:, 0], stamps - 100.0, atol=1e-9)


def test_a_packet_stamped_on_arrival_bears_the_time_of_its_last_sample():
    _, stamps = run(HeadsetOptions(channels=1, rate=250, stamps="arrival", jitter_ms=2), 250, chunk=25)
    packets = stamps.reshape(10, 25)
    assert np.all(np.ptp(packets, axis=1) == 0)
    np.testing.assert_allclose(packets[:, 0], 100 + (np.arange(10) * 25 + 24) / 250, atol=2e-3)


def test_volts_are_a_million_times_smaller():
    microvolts, _ = run(HeadsetOptions(channels=2), 200)
    volts, _ = run(HeadsetOptions(channels=2, unit="V"), 200)
    np.testing.assert_allclose(volts * 1e6, microvolts)


def test_channels_are_a_count_or_names():
    assert HeadsetOptions(channels=4).channels == ("TP9", "AF7", "AF8", "TP10")
    assert len(HeadsetOptions(channels="64").channels) == 64
    assert HeadsetOptions(channels="Fz, Cz").channels == ("Fz", "Cz")


@pytest.mark.parametrize("n", [5, 11, 20, 32, 50])
def test_a_number_of_channels_takes_electrodes_from_both_halves_of_the_head(n):
    labels = HeadsetOptions(channels=n).channels
    right = np.array([position(label)[0] for label in labels]).round(6)
    assert len(set(labels)) == n
    assert abs((right > 0).sum() - (right < 0).sum()) <= 2


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"channels": 65}, "1 to 64"), ({"dropouts": 2.0}, "no chance"), ({"rate": 0}, "rate"),
     ({"colour": "red"}, "colour"), ({"stamps": "gps"}, "stamps")],
)  # fmt: skip
def test_impossible_options_are_refused_by_name(wrong, reason):
    with pytest.raises(ValidationError, match=reason):
        HeadsetOptions(**wrong)


def test_an_electrode_or_a_unit_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match="'Qz' is no electrode"):
        HeadsetOptions(channels=("Qz",))
    with pytest.raises(StreamFormatError, match="counts"):
        HeadsetOptions(unit="counts")


def test_chunks_leave_by_absolute_deadlines_and_the_stream_ends_after_its_seconds(source_id):
    clock = ManualClock(50.0)
    options = HeadsetOptions(
        channels=2, rate=250, chunk=50, seconds=3.0, source_id=source_id, dropouts=((1.0, 0.2),)
    )
    assert serve(options, clock, lambda: False) == 700
    assert clock.now() == pytest.approx(50 + 749 / 250, abs=1e-6)


def test_a_stop_is_heeded_between_two_chunks(source_id):
    clock = ManualClock()
    options = HeadsetOptions(channels=1, rate=100, chunk=1000, source_id=source_id)
    assert serve(options, clock, lambda: clock.now() > 3) == 0
    assert clock.now() < 3.2


def test_its_own_command_streams_with_a_full_description_and_ends_on_a_signal(source_id):
    options = ["--source-id", source_id, "--name", "Tryout", "--channels", "Fz,Cz,Oz", "--unit", "V"]
    options += ["--format", "double64", "--dropouts", "5:1"]
    command = [sys.executable, "-m", "phosphene", "headset"]
    child = subprocess.Popen(command + options, stderr=subprocess.PIPE, text=True)
    try:
        found = pylsl.resolve_byprop("source_id", source_id, 1, 20.0)
        inlet = pylsl.StreamInlet(found[0], recover=False)
        info = inlet.info(5.0)
        samples, stamps = inlet.pull_chunk(5.0, max_samples=100, as_numpy=True)
        lag = time.monotonic() - stamps[-1]
        del inlet
        child.send_signal(signal.SIGTERM)
        output = child.communicate(timeout=10)[1]
    finally:
        child.kill()
        child.wait()
    assert (info.name(), info.type(), info.nominal_srate()) == ("Tryout", "EEG", 250.0)
    assert info.get_channel_labels() == ["Fz", "Cz", "Oz"]
    assert info.get_channel_units() == ["V"] * 3
    assert info.get_channel_types() == ["EEG"] * 3
    assert samples.dtype == np.float64
    assert 0 < np.abs(samples).max() < 1e-3
    assert 0 <= lag < 1.0
    assert child.returncode == 0
    assert "samples sent" in output


def test_its_command_answers_a_wrong_option_in_one_line_and_exit_code_2():
    command = [sys.executable, "-m", "phosphene", "headset", "--channels", "99"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "--channels 99" in ended.stderr
