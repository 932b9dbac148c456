"""What each channel of a stream is: its name, kind, unit and scale, by what the stream says of it.

Kinds are the words mne uses for types of channels. A stated type counts, whatever the name; where a stream
states none, unit and name tell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from realtime.eeg.units import microvolts_per_unit
from realtime.errors import StreamFormatError
from realtime.types import BoolArray, EegInfo, TimeArray

_TYPES = {
    "eog": "eog", "veog": "eog", "heog": "eog",
    "ecg": "ecg", "ekg": "ecg",
    "emg": "emg",
    "ecog": "ecog", "seeg": "seeg", "dbs": "dbs",
    "resp": "resp", "respiration": "resp", "rip": "resp",
    "gsr": "gsr", "eda": "gsr", "scr": "gsr", "scl": "gsr",
    "temp": "temperature", "temperature": "temperature",
    "bio": "bio", "ppg": "bio", "spo2": "bio", "sao2": "bio", "pulse": "bio", "bvp": "bio",
    "stim": "stim", "trigger": "stim", "triggers": "stim", "trig": "stim", "trg": "stim", "status": "stim",
    "marker": "stim", "markers": "stim", "event": "stim", "events": "stim", "code": "stim", "digital": "stim",
    "misc": "misc", "aux": "misc", "acc": "misc", "accelerometer": "misc", "gyro": "misc",
    "gyroscope": "misc", "mag": "misc", "magnetometer": "misc", "imu": "misc", "counter": "misc",
    "timestamp": "misc", "time": "misc", "battery": "misc", "cq": "misc", "quality": "misc",
    "impedance": "misc", "temp_sensor": "misc", "light": "misc", "audio": "misc", "photo": "misc",
    "bipolar": "bio", "syncpulse": "stim", "sync": "stim",
}  # fmt: skip
_VOLTAGES_OF_THE_HEAD = re.compile(r"eeg|signal|data|raw|unknown|none|n/?a|electrode|voltage|channel", re.I)
_NAMES = (
    (r"(h|v)?eog|eye|loc\b|roc\b|e[12]-m[12]", "eog"),
    (r"ecg|ekg|heart", "ecg"),
    (r"emg|chin|leg\b|tib", "emg"),
    (r"resp|thor|abd|nasal|airflow|flow|snore", "resp"),
    (r"temp", "temperature"),
    (r"gsr|eda\b|skin", "gsr"),
    (r"sa?p?o2|pulse|pleth|ppg|bvp|hr\b", "bio"),
    (r"trig|trg|sti\b|stim|status|event|marker|digi", "stim"),
    (r"counter|sample|timestamp|packet|interpol|batt|cq_|valid", "misc"),
    (r"acc|gyr|mag|pos(ition)?\b|body|light|[xyz]_dir", "misc"),
)  # fmt: skip
_NOT_EEG = re.compile(
    r"^(trig|trg|sti\b|stim|status|counter|sample|timestamp|acc|gyr|mag|ppg|batt|packet)", re.IGNORECASE
)
_OF_THE_BODY = {"eog", "ecg", "emg", "ecog", "seeg", "dbs"}  # voltages, also where no unit is stated
_CODES = {"code", "boolean", "bool", "trigger", "bit"}
_NO_VOLTAGE = re.compile(
    r"%|°|deg|celsius|[uµμ]s\b|siemens|g\b|mg\b|m/s|hz\b|bpm|mmhg|pa\b|lux|ohm|k?Ω|rad|seconds?\b|ms\b",
    re.IGNORECASE,
)


class Described(NamedTuple):
    """What a stream says of its channels, one entry for each.

    Attributes
    ----------
    unit : str
        The one that most EEG channels state.
    """

    labels: tuple[str, ...]
    unit: str
    units: tuple[str, ...]
    kinds: tuple[str, ...]
    scales: tuple[float, ...]


def describe_channels(rows: Sequence[Mapping[str, str]], n_channels: int) -> Described:
    """Read the entries `label`, `unit`, `type` and `scaling_factor` of each channel, as far as there are any.

    A missing label is the channel's number, a repeated one gets it appended.
    """
    rows = [*rows[:n_channels], *({} for _ in range(n_channels - len(rows)))]
    stated = [row.get("label", "").strip() or f"ch{i}" for i, row in enumerate(rows, 1)]
    labels = tuple(f"{a}-{i + 1}" if a in stated[:i] else a for i, a in enumerate(stated))
    units = tuple(row.get("unit", "").strip() for row in rows)
    kinds = tuple(
        kind_of(row.get("type", ""), label, unit)
        for row, label, unit in zip(rows, stated, units, strict=True)
    )
    scales = tuple(_scale(row.get("scaling_factor", "")) for row in rows)
    most = Counter(unit for unit, kind in zip(units, kinds, strict=True) if unit and kind == "eeg")
    most = most or Counter(filter(None, units))
    unit = most.most_common(1)[0][0] if most else ""
    return Described(labels, unit, *_shortened(unit, units, kinds, scales))


def kind_of(type: str, label: str, unit: str) -> str:
    """Return the kind of a channel: "eeg", "eog", "ecg", "emg", "stim", "misc" … as mne calls it."""
    word = type.strip().lower()
    if word in _TYPES:
        return _TYPES[word]
    if unit.strip().lower() in _CODES:
        return "stim"
    if word == "eeg":
        return _by_name(label) if _NOT_EEG.match(label) else "eeg"
    named = _by_name(label)
    foreign = word and not _VOLTAGES_OF_THE_HEAD.search(word)
    if named == "eeg" and (foreign or (unit and _NO_VOLTAGE.match(unit.strip()))):
        return "misc"
    return named


def kinds_of(info: EegInfo) -> tuple[str, ...]:
    """Return the kind of each channel (n_channels,)."""
    return info.kinds or ("eeg",) * info.n_channels


def units_of(info: EegInfo) -> tuple[str, ...]:
    """Return the unit of each channel (n_channels,); the stream's usual one where a channel states none."""
    return tuple(unit or info.unit for unit in info.units) or (info.unit,) * info.n_channels


def gains_uv(info: EegInfo, chosen: Sequence[int], unit: str | None = None) -> TimeArray:
    """Return how many microvolts a step of each chosen channel is (n_chosen,), its scaling factor included.

    Parameters
    ----------
    unit : str, optional
        In place of what the stream states.

    Raises
    ------
    StreamFormatError
        A unit is no voltage.
    """
    units, scales = units_of(info), info.scales or (1.0,) * info.n_channels
    return np.array([microvolts_per_unit(unit or units[i]) * scales[i] for i in chosen], np.float64)


def own_gains(info: EegInfo, unit: str | None = None) -> tuple[TimeArray, BoolArray]:
    """Return for each channel (n_channels,) its gain, and whether that gives microvolts.

    A channel that is no voltage keeps its own unit; its gain is its scaling factor. `unit` stands in place of
    what the stream states of its EEG channels.

    Raises
    ------
    StreamFormatError
        The unit of an EEG channel is no voltage.
    """
    gains, volts = np.ones(info.n_channels), np.ones(info.n_channels, bool)
    scales = info.scales or (1.0,) * info.n_channels
    for i, (kind, stated) in enumerate(zip(kinds_of(info), units_of(info), strict=True)):
        if kind == "eeg":
            gains[i] = gains_uv(info, [i], unit)[0]
            continue
        own = info.units[i] if info.units else stated
        size = voltage(own) if own or kind in _OF_THE_BODY else None
        volts[i] = size is not None
        gains[i] = (size or 1.0) * scales[i]
    return gains, volts


def voltage(unit: str) -> float | None:
    """Return how many microvolts a unit is, or None where it is no voltage."""
    try:
        return microvolts_per_unit(unit)
    except StreamFormatError:
        return None


def _by_name(label: str) -> str:
    name = re.sub(r"^EEG[\s_:-]+", "", label.strip(), flags=re.IGNORECASE)
    if name != label.strip():
        return "eeg"  # "EEG Fpz-Cz" says what it is
    return next((kind for pattern, kind in _NAMES if re.match(pattern, name, re.IGNORECASE)), "eeg")


def _scale(text: str) -> float:
    try:
        scale = float(text.strip().replace(",", ".") or 1.0)
    except ValueError:
        return 1.0
    return scale if np.isfinite(scale) and scale > 0 else 1.0


def _shortened(
    unit: str, units: tuple[str, ...], kinds: tuple[str, ...], scales: tuple[float, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[float, ...]]:
    """Leave out what is the same for all channels, as most streams have it."""
    return (
        units if any(one not in ("", unit) for one in units) else (),
        kinds if any(kind != "eeg" for kind in kinds) else (),
        scales if any(scale != 1.0 for scale in scales) else (),
    )
