"""What a stream calls its unit, in microvolts; and whether its amplitudes look like EEG at all."""

from __future__ import annotations

import math
import re

from realtime.errors import StreamFormatError

PLAUSIBLE_UV = (1.0, 200.0)  # median |x| of EEG of awake people without an offset lies well within

_VOLTS = {"v": 1e6, "mv": 1e3, "uv": 1.0, "nv": 1e-3}
_NAMES = {"volt": "v", "millivolt": "mv", "microvolt": "uv", "nanovolt": "nv"}
_EXPONENTS = {"0": "v", "-3": "mv", "-6": "uv", "-9": "nv"}  # MNE-LSL writes powers of ten
_UNKNOWN = {"", "unknown", "none", "na", "n/a", "au", "a.u.", "arbitrary", "custom"}
_COUNTS = {"count", "counts", "adc", "raw", "lsb", "digital", "bits"}


def microvolts_per_unit(unit: str) -> float:
    """How many microvolts one step of a stream's unit is.

    Parameters
    ----------
    unit : str
        As the stream says it: "uV", "µV", "microvolts", "mV", "V", "volts", "nV", "1e-6 V", …; where it says
        nothing microvolts are taken, as most senders mean them.

    Raises
    ------
    StreamFormatError
        Where the unit is counts, whose step nobody stated, or a word that is no voltage.
    """
    word = unit.strip().replace("µ", "u").replace("μ", "u")  # micro sign and Greek mu
    plain = word.lower()
    if plain in _UNKNOWN:
        return 1.0
    if plain in _EXPONENTS:
        return _VOLTS[_EXPONENTS[plain]]
    if plain in _COUNTS:
        raise StreamFormatError(
            f"the stream's unit is {unit!r} and says nothing of volts. Say how large one step is, for "
            "example --unit '0.0224 uV' for a gain of 24 on an ADS1299."
        )
    size, name = _split(plain)
    name = _NAMES.get(name.removesuffix("s"), name)
    if word.endswith("MV"):
        name = "megavolt"  # nobody records those: MV is a slip that must not pass for mV
    if name not in _VOLTS or not math.isfinite(size) or size <= 0:
        raise StreamFormatError(
            f"the stream's unit {unit!r} is not known: give --unit uV, mV, V, nV or a size such as '0.5 uV'"
        )
    return size * _VOLTS[name]


def flag_amplitude(median_abs_uv: float) -> str:
    """Note where the median of |x| in µV does not look like EEG, with the likely slip; "" where it does."""
    low, high = PLAUSIBLE_UV
    if not math.isfinite(median_abs_uv) or median_abs_uv == 0 or low <= median_abs_uv <= high:
        return ""
    slips = {1e6: "are the values in volts?", 1e3: "in millivolts?", 100.0: "in units of 0.1 mV?", 10.0: ""}
    seen = f"median amplitude {median_abs_uv:.3g} µV is not EEG-like ({low:g} to {high:g} µV)"
    for factor, slip in slips.items():
        if slip and low * 5 <= median_abs_uv * factor <= high * 0.5:
            return f"{seen}: {slip}"
    if median_abs_uv > high:
        return f"{seen}: an offset, loose electrodes, or a unit that is smaller than stated"
    return f"{seen}: no signal, or a unit that is larger than stated"


def _split(unit: str) -> tuple[float, str]:
    """Split "1e-6 v" into (1e-6, "v"); (1, unit) where no number stands before it."""
    match = re.fullmatch(r"([0-9.]+(?:e[-+]?[0-9]+)?)[ *x]*([a-z]+)", unit)
    if match is None:
        return 1.0, unit
    try:
        return float(match[1]), match[2]
    except ValueError:
        return math.nan, unit
