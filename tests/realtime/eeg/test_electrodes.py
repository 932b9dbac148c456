"""Where electrodes are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.eeg.electrodes import position, positions
from tests.support.fake_view import TEN_TEN


def test_the_vertex_is_in_the_middle_and_the_nose_is_up():
    assert position("Cz") == (0.0, 0.0)
    right, front = position("Fpz")
    assert right == pytest.approx(0, abs=1e-9)
    assert front == pytest.approx(0.8)
    assert position("Oz")[1] == pytest.approx(-0.8)


def test_odd_numbers_are_left_and_even_ones_right_in_mirrored_places():
    for name in TEN_TEN:
        digits = "".join(filter(str.isdigit, name))
        if not digits:
            assert position(name)[0] == pytest.approx(0, abs=1e-9)
            continue
        prefix, number = name[: -len(digits)], int(digits)
        other = f"{prefix}{number + 1 if number % 2 else number - 1}"
        right, front = position(name)
        assert (right < 0) == bool(number % 2)
        assert position(other) == pytest.approx((-right, front))


def test_neighbours_on_the_midline_and_around_the_head_lie_evenly():
    midline = np.array(
        [position(name) for name in ("Fpz", "AFz", "Fz", "FCz", "Cz", "CPz", "Pz", "POz", "Oz")]
    )
    assert np.diff(midline[:, 1]) == pytest.approx(-0.2)
    ring = np.array(
        [position(name) for name in ("Fpz", "Fp2", "AF8", "F8", "FT8", "T8", "TP8", "P8", "PO8", "O2")]
    )
    angles = np.degrees(np.arctan2(ring[:, 0], ring[:, 1]))
    assert np.diff(angles) == pytest.approx(18.0)


@pytest.mark.parametrize("label", ["EEG Fp1", "FP1", "fp1", "Fp1-REF", "Fp1.", "EEG_Fp1"])
def test_the_usual_spellings_of_an_electrode_are_understood(label):
    assert position(label) == position("Fp1")


@pytest.mark.parametrize(("old", "new"), [("T3", "T7"), ("T4", "T8"), ("T5", "P7"), ("T6", "P8")])
def test_the_old_names_stand_for_the_new(old, new):
    assert position(old) == position(new)


@pytest.mark.parametrize("label", ["ch1", "AUX", "Right AUX", "", "ECG", "X", "C99"])
def test_what_is_no_electrode_has_no_place(label):
    assert position(label) is None


def test_only_labels_with_a_place_are_kept():
    assert set(positions(("TP9", "AF7", "AF8", "TP10", "AUX"))) == {"TP9", "AF7", "AF8", "TP10"}


def test_places_agree_with_the_positions_of_a_64_electrode_cap():
    """BioSemi's cap is made by the same rule with steps of 23° instead of 18° between vertex and rim."""
    mne = pytest.importorskip("mne")
    cap = mne.channels.make_standard_montage("biosemi64").get_positions()["ch_pos"]
    for name, place in cap.items():
        x, y, z = place / np.linalg.norm(place)
        inclination = np.degrees(np.arccos(np.clip(z, -1, 1))) / 23 * 18 / 90
        across = max(np.hypot(x, y), 1e-9)
        assert (
            np.hypot(*np.subtract(position(name), (x / across * inclination, y / across * inclination)))
            < 0.05
        )
