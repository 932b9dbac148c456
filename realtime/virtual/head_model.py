"""Where electrodes lie, and how strongly each sees a patch of cortex: a sphere and a bell, no more.

Positions follow the 10-10 system on a sphere with the vertex on top and Fpz, T7, Oz and T8 on its equator.
"""

from __future__ import annotations

import re
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError

HEADSETS: dict[str, tuple[str, ...]] = {
    name: tuple(labels.split())
    for name, labels in {
        "unicorn": "Fz C3 Cz C4 Pz PO7 Oz PO8",
        "muse": "TP9 AF7 AF8 TP10",
        "cyton": "Fp1 Fp2 C3 C4 P7 P8 O1 O2",
        "daisy": "Fp1 Fp2 C3 C4 P7 P8 O1 O2 F7 F8 F3 F4 T7 T8 P3 P4",
        "epoc": "AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4",
        "biosemi64": """
            Fp1 AF7 AF3 F1 F3 F5 F7 FT7 FC5 FC3 FC1 C1 C3 C5 T7 TP7 CP5 CP3 CP1 P1 P3 P5 P7 P9 PO7 PO3 O1
            Iz Oz POz Pz CPz Fpz Fp2 AF8 AF4 AFz Fz F2 F4 F6 F8 FT8 FC6 FC4 FC2 FCz Cz C2 C4 C6 T8 TP8 CP6 CP4
            CP2 P2 P4 P6 P8 P10 PO8 PO4 O2
        """,
    }.items()
}
"""Electrodes of common headsets, in the makers' order."""

_STEP = pi / 8  # a tenth of the way from nasion to inion, with Fpz and Oz on the equator
_MIDLINE = {"N": 5, "FP": 4, "AF": 3, "F": 2, "FC": 1, "C": 0, "CP": -1, "P": -2, "PO": -3, "O": -4, "I": -5}
_RING = {"FP": 18, "AF": 36, "F": 54, "FT": 72, "FC": 72, "T": 90, "C": 90, "TP": 108, "CP": 108, "P": 126}
_RING |= {"PO": 144, "O": 162, "I": 162}  # degrees from the nose, of the electrode numbered 7 or 8
_OLD = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8", "M1": "TP9", "M2": "TP10", "A1": "T9", "A2": "T10"}


def direction(label: str) -> NDArray[np.float64]:
    """Unit vector (right, front, up) from the head's centre to an electrode.

    Raises
    ------
    ConfigError
        The label is no position of the 10-10 system.
    """
    name = _OLD.get(label.upper(), label.upper())
    found = re.fullmatch(r"([A-Z]{1,2}?)(Z|10|[1-9])", name)
    row, place = found.groups() if found else ("", "")
    if row not in (_MIDLINE if place == "Z" else _RING):
        raise ConfigError(
            f"'{label}' is no electrode of the 10-20 or 10-10 system: use names such as Fz, PO7, Oz"
        )
    if place == "Z":
        angle = _MIDLINE[row] * _STEP
        return np.array([0.0, sin(angle), cos(angle)])
    steps, side = (int(place) + 1) // 2, 1 - 2 * (int(place) % 2)
    around = np.radians(_RING[row])
    outer = np.array([side * sin(around), cos(around), 0.0])
    if steps == 5:
        return np.array([*(cos(_STEP) * outer[:2]), -sin(_STEP)])
    if steps == 4 or row in ("FP", "O", "I"):
        return outer
    middle = direction({"T": "C", "FT": "FC", "TP": "CP"}.get(row, row) + "z")
    angle = np.arccos(middle @ outer)
    return (sin((1 - steps / 4) * angle) * middle + sin(steps / 4 * angle) * outer) / sin(angle)


def topography(labels: tuple[str, ...], centres: dict[str, float], spread_deg: float) -> NDArray[np.float64]:
    """How strongly each electrode sees activity under the `centres`.

    Parameters
    ----------
    centres : dict of str to float
        Electrodes over the active places, each with its weight (negative where the field turns).
    spread_deg : float
        Width of the field on the scalp (standard deviation of a bell over the angle), degrees.

    Returns
    -------
    array of shape (n_channels,)
    """
    places = np.stack([direction(label) for label in labels])
    field = np.zeros(len(labels))
    for centre, weight in centres.items():
        angle = np.degrees(np.arccos(np.clip((places * direction(centre)).sum(1), -1, 1)))
        field += weight * np.exp(-0.5 * (angle / spread_deg) ** 2)
    return field
