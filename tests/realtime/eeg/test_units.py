"""Units as senders write them, and amplitudes that give a wrong one away."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.eeg.units import flag_amplitude, microvolts_per_unit
from realtime.errors import StreamFormatError


@pytest.mark.parametrize(
    ("unit", "microvolts"),
    [
        ("uV", 1), ("µV", 1), ("μV", 1), ("microvolts", 1), ("Microvolt", 1), (" uV ", 1), ("-6", 1),
        ("1e-6 V", 1),
        ("mV", 1e3), ("millivolts", 1e3), ("-3", 1e3), ("0.1 mV", 100),
        ("V", 1e6), ("volts", 1e6), ("0", 1e6),
        ("nV", 1e-3), ("nanovolts", 1e-3), ("0.0224 uV", 0.0224), ("31.25 nV", 0.03125),
    ],
)  # fmt: skip
def test_voltages_are_known_by_any_of_their_names(unit, microvolts):
    assert microvolts_per_unit(unit) == pytest.approx(microvolts)


@pytest.mark.parametrize("unit", ["", "unknown", "none", "N/A"])
def test_where_nothing_is_said_microvolts_are_taken(unit):
    assert microvolts_per_unit(unit) == 1


def test_counts_without_a_step_are_refused_with_an_example():
    with pytest.raises(StreamFormatError, match=r"--unit '0\.0224 uV'"):
        microvolts_per_unit("counts")


@pytest.mark.parametrize("unit", ["MV", "degrees", "m/s^2", "0 uV", "1e-6", "1.2.3 uV", "uVV"])
def test_what_is_no_voltage_is_refused_by_name(unit):
    with pytest.raises(StreamFormatError, match="is not known"):
        microvolts_per_unit(unit)


@given(st.text(max_size=20))
def test_any_text_gives_a_scale_or_a_clear_refusal(unit):
    with contextlib.suppress(StreamFormatError):
        assert microvolts_per_unit(unit) > 0


@pytest.mark.parametrize("amplitude", [1.0, 8.0, 50.0, 200.0, 0.0, float("nan")])
def test_amplitudes_like_eeg_and_silence_pass_without_a_word(amplitude):
    assert flag_amplitude(amplitude) == ""


@pytest.mark.parametrize(
    ("amplitude", "word"),
    [(12e-6, "volts?"), (12e-3, "millivolts?"), (0.12, "0.1 mV"), (4500.0, "offset"), (1e-9, "no signal")],
)
def test_other_amplitudes_are_noted_with_the_likely_slip(amplitude, word):
    note = flag_amplitude(amplitude)
    assert word in note
    assert f"{amplitude:.3g} µV" in note
