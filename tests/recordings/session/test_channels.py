"""Each channel keeps its own kind, unit and scale: in the session, the audit, and what is exported."""

from __future__ import annotations

import json

import numpy as np
import pytest

from realtime.eeg.channels import describe_channels, kind_of
from recordings.exchange.exporting import to_raw
from recordings.session.info import describe
from recordings.session.session import Session
from tests.support.files.xdf_bytes import eeg_file, eeg_header, wave

N = 2500
STAMPS = 5000 + np.arange(N) / 250


def _session(tmp_path, values, **header):
    n = values.shape[1]
    labels = header.pop("labels", [f"E{i}" for i in range(n)])
    return Session(eeg_file(tmp_path / "a.xdf", STAMPS, eeg_header(labels=labels, **header), values=values))


def test_volts_beside_microvolts_come_to_the_same(tmp_path):
    values = wave(N)
    mixed = values.copy()
    mixed[:, :2] *= 1e-6
    with _session(tmp_path, mixed, units=["V", "V", "uV", "uV"]) as session:
        audit = describe(session)
        amplitudes = [c["amplitude_uv"] for c in audit["eeg"][0]["channels"]]
        np.testing.assert_allclose(amplitudes, 13.3, atol=0.5)
        np.testing.assert_allclose(to_raw(session).get_data().T * 1e6, values, rtol=1e-5, atol=1e-4)


def test_a_scaling_factor_is_applied(tmp_path):
    steps = np.round(wave(N) / 0.1)
    with _session(tmp_path, steps, scales=["0.1"] * 4) as session:
        amplitudes = [c["amplitude_uv"] for c in describe(session)["eeg"][0]["channels"]]
        np.testing.assert_allclose(amplitudes, 13.3, atol=0.5)
        np.testing.assert_allclose(to_raw(session).get_data().T * 1e6, steps * 0.1, rtol=1e-6)


def test_kinds_and_own_units_reach_the_export(tmp_path):
    labels = ["Fz", "VEOG", "ECG", "Resp", "EDA", "x_dir", "Counter", "TRG", "SpO2", "Temp"]
    types = ["EEG", "EOG", "ECG", "RESP", "GSR", "ACC", "MISC", "TRIGGER", "", ""]
    units = ["uV", "uV", "mV", "V", "uS", "mg", "", "code", "%", "degC"]
    values = np.tile(wave(N, 1), (1, len(labels)))
    with _session(tmp_path, values, labels=labels, types=types, units=units) as session:
        raw = to_raw(session)
        assert raw.get_channel_types() == [
            "eeg", "eog", "ecg", "resp", "gsr", "misc", "misc", "stim", "misc", "temperature",
        ]  # fmt: skip
        gains = np.array([1e-6, 1e-6, 1e-3, 1.0, 1e-6, 1.0, 1.0, 1.0, 1.0, 1.0])
        np.testing.assert_allclose(raw.get_data().T, values * gains, rtol=1e-5)
        channels = {c["label"]: c for c in describe(session)["eeg"][0]["channels"]}
        assert channels["ECG"]["amplitude_uv"] == pytest.approx(
            1e3 * channels["Fz"]["amplitude_uv"], rel=1e-5
        )
        assert channels["SpO2"]["amplitude_uv"] is None
        assert channels["SpO2"]["unit"] == "%"


def test_what_is_no_number_is_null_in_the_audit_and_marked_in_the_export(tmp_path, command):
    values = wave(N, 5)
    values[500:512] = np.nan
    values[:, 4] = np.nan
    with _session(tmp_path, values, labels=["TP9", "AF7", "AF8", "TP10", "AUX"]) as session:
        raw = to_raw(session)
        assert raw.info["bads"] == ["AUX"]
        assert [(a["onset"], a["duration"]) for a in raw.annotations if a["description"] == "BAD_NAN"] == [
            (pytest.approx(2.0), pytest.approx(0.048))
        ]
        assert np.isfinite(raw.get_data()).all()
    code, out, _ = command("info", tmp_path / "a.xdf", "--json")
    assert code == 0
    audit = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert audit["eeg"][0]["channels"][4]["amplitude_uv"] is None
    assert [c["nan"] for c in audit["eeg"][0]["channels"]] == [12, 12, 12, 12, N]


@pytest.mark.parametrize(
    ("type", "label", "unit", "kind"),
    [
        ("EEG", "Right AUX", "uV", "eeg"),
        ("EEG", "ECG", "uV", "eeg"),
        ("EEG", "triggerStream", "code", "stim"),
        ("EEG", "TRIGGER", "", "stim"),
        ("EOG", "Fp1", "uV", "eog"),
        ("Data", "Cz", "uV", "eeg"),
        ("", "EEG Fpz-Cz", "", "eeg"),
        ("", "EOG horizontal", "uV", "eog"),
        ("", "EMG submental", "uV", "emg"),
        ("", "Resp oro-nasal", "", "resp"),
        ("", "SaO2", "%", "bio"),
        ("", "ch1", "", "eeg"),
        ("", "Status", "Boolean", "stim"),
        ("", "x", "mg", "misc"),
        ("accelerometer", "Fz", "g", "misc"),
        ("CQ", "AF3", "", "misc"),
    ],
)
def test_a_stated_type_counts_and_else_unit_and_name(type, label, unit, kind):
    assert kind_of(type, label, unit) == kind


def test_a_channel_without_a_name_is_its_number_and_a_repeated_name_is_told_apart():
    found = describe_channels([{"label": "Fz"}, {"label": "Fz"}, {}], 4)
    assert found.labels == ("Fz", "Fz-2", "ch3", "ch4")
    assert (found.units, found.kinds, found.scales) == ((), (), ())
