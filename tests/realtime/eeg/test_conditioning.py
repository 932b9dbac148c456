"""Unit, channels, reference, band: causal, stateful, and the same however samples are chunked."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.config import ConditioningConfig
from realtime.eeg.conditioning import (
    Conditioner,
    RunningScale,
    canonical,
    choose_channels,
    design,
    narrow_band,
)
from realtime.eeg.montage import read_montage, rename
from realtime.eeg.quality import QualityMonitor, judge
from realtime.errors import ConfigError, StreamFormatError
from realtime.time.clock import ManualClock
from realtime.types import EegChunk
from tests.support.fakes import ArrayEeg

RATE = 250.0


def noise(n: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 20, (n, channels)).astype(np.float32)


def chunked(samples: np.ndarray, cuts: list[int], gap_at: int | None = None) -> list[EegChunk]:
    edges = sorted({0, len(samples), *(c % len(samples) for c in cuts), *([gap_at] if gap_at else [])})
    return [
        EegChunk(samples[a:b], np.arange(a, b) / RATE, gap_before=a == gap_at)
        for a, b in itertools.pairwise(edges)
    ]


@settings(deadline=None, max_examples=30)
@given(
    cuts=st.lists(st.integers(1, 1499), max_size=20), reference=st.sampled_from(["as recorded", "average"])
)
def test_conditioning_does_not_depend_on_how_samples_are_chunked(cuts, reference):
    config = ConditioningConfig(reference=reference)
    samples = noise(1500)

    def run(chunks):
        conditioner = Conditioner(config, ["Fz", "Cz", "Pz"], 1.0, RATE)
        scale = RunningScale(3, RATE, 2.0)
        out = []
        for chunk in chunks:
            out.append(conditioner.push(chunk))
            scale.push(out[-1])
        return np.concatenate([c.samples for c in out]), scale.at(99.0)

    whole, whole_scale = run(chunked(samples, [], gap_at=700))
    parts, parts_scale = run(chunked(samples, cuts, gap_at=700))
    assert (whole == parts).all()
    assert (whole_scale == parts_scale).all()


def test_channels_are_picked_by_name_in_the_order_wanted_whatever_their_spelling():
    available = ["EEG Fp1-Ref", "T3", "cz", "Oz", "TRIGGER"]
    assert choose_channels(available, ["CZ", "T7", "fp1"]) == [2, 1, 0]
    assert choose_channels(available, None) == [0, 1, 2, 3]
    assert canonical("EEG Fp1-Ref") == canonical("FP1.") == "FP1"


def test_a_missing_channel_is_named_with_those_that_are_there():
    with pytest.raises(StreamFormatError, match=r"no channel Oz; it has Fz, Cz.*--channels"):
        choose_channels(["Fz", "Cz"], ["Oz", "Cz"])


def test_a_channel_asked_for_twice_is_refused():
    with pytest.raises(StreamFormatError, match="CZ is named more than once"):
        choose_channels(["Fz", "Cz"], ["Cz", "cz"])


@pytest.mark.parametrize(("frequency", "gain"), [(10.0, 1.0), (50.0, 0.0), (0.05, 0.0), (110.0, 0.0)])
def test_the_band_passes_what_the_model_wants_and_stops_line_and_drift(frequency, gain):
    conditioner = Conditioner(ConditioningConfig(), ["Cz"], 1.0, RATE)
    time = np.arange(int(40 * RATE)) / RATE
    wave = np.sin(2 * np.pi * frequency * time)[:, None].astype(np.float32)
    out = conditioner.push(EegChunk(wave, time)).samples[int(20 * RATE) :]
    assert abs(np.abs(out).max() - gain) < 0.05


def test_the_filter_starts_from_rest_at_a_constant():
    conditioner = Conditioner(ConditioningConfig(notch_hz=None), ["Cz"], 1.0, RATE)
    out = conditioner.push(EegChunk(np.full((500, 1), 4000.0, np.float32), np.arange(500) / RATE))
    assert np.abs(out.samples).max() < 1e-2


def test_a_slow_source_narrows_the_band():
    assert narrow_band((0.5, 40.0), 64.0) == (0.5, pytest.approx(28.8))
    assert len(design((0.3, 75.0), 50.0, 100.0)) == 3  # the notch at 50 Hz does not fit, the band does


def test_a_value_that_is_no_number_repeats_the_one_before_and_poisons_nothing():
    conditioner = Conditioner(ConditioningConfig(band_hz=None, notch_hz=None), ["Cz"], 1.0, RATE)
    samples = np.array([[1.0], [np.nan], [np.inf], [4.0]], np.float32)
    out = conditioner.push(EegChunk(samples, np.arange(4) / RATE))
    assert out.samples[:, 0].tolist() == [1, 1, 1, 4]
    later = conditioner.push(EegChunk(np.array([[np.nan]], np.float32), np.array([4 / RATE])))
    assert later.samples[0, 0] == 4


def test_the_running_scale_is_the_robust_deviation_and_ignores_a_blink():
    scale = RunningScale(1, RATE, 20.0)
    samples = noise(5000, 1)
    samples[1000:1100] += 400
    scale.push(EegChunk(samples, np.arange(5000) / RATE))
    assert scale.at(0.5) is None
    assert scale.at(20.0)[0] == pytest.approx(20, rel=0.1)


def test_flat_railing_and_noisy_channels_are_told_from_good_ones():
    second = noise(250, 4)
    second[:, 1] = 3.0
    second[:, 2] = np.clip(second[:, 2] * 40, -500, 500)
    second[:, 3] *= 20
    assert judge(second.astype(float)) == ["", "flat", "railing", "noisy"]
    monitor = QualityMonitor(["a", "b", "c", "d"], RATE)
    for part in np.array_split(second, 7):
        monitor.push(part)
    assert monitor.reasons == {"a": "", "b": "flat", "c": "railing", "d": "noisy"}


def test_a_montage_names_the_channels_of_a_stream_and_must_name_each():
    info = ArrayEeg(ManualClock(0), np.zeros((5, 2)), np.arange(5) / RATE, RATE).open()
    assert rename(info, ["Fz", "Cz"]).labels == ("Fz", "Cz")
    with pytest.raises(StreamFormatError, match=r"names 1 electrodes \(Fz\).*2 channels \(ch1, ch2\)"):
        rename(info, ["Fz"])


def test_some_channels_are_named_by_number_and_the_others_are_no_eeg():
    info = ArrayEeg(ManualClock(0), np.zeros((5, 3)), np.arange(5) / RATE, RATE).open()
    named = rename(info, ["3=Oz", "1=Fz"])
    assert named.labels == ("Fz", "ch2", "Oz")
    assert named.kinds == ("eeg", "misc", "eeg")
    for wrong in ("4=Oz", "0=Oz", "x=Oz", "2="):
        with pytest.raises(StreamFormatError, match="names no channel"):
            rename(info, [wrong])


def test_a_montage_is_read_from_words_or_from_a_file(tmp_path):
    assert read_montage("Fz, Cz,Pz") == ("Fz", "Cz", "Pz")
    assert read_montage("1=Fz,2=C3") == ("1=Fz", "2=C3")
    path = tmp_path / "cap.txt"
    path.write_text("\ufeffFz # front\nCz\n\nPz,Oz\n", encoding="utf-8")
    assert read_montage(str(path)) == ("Fz", "Cz", "Pz", "Oz")
    with pytest.raises(ConfigError, match="names no electrode"):
        read_montage(" , ")
