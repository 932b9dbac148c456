"""Where electrodes lie on the head, by the rule of the 10-20 and 10-10 systems.

The head is taken as a sphere. Along the midline and around the head neighbours lie 10 % of half the
circumference apart (18°); the electrodes between the side of the head and the midline divide the arc
through both by equal angles (Jasper 1958; Oostenveld & Praamstra 2001, doi:10.1016/S1388-2457(00)00527-7).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

HEADSETS: dict[str, tuple[str, ...]] = {
    name: tuple(labels.split())
    for name, labels in {
        "unicorn": "Fz C3 Cz C4 Pz PO7 Oz PO8",
        "muse": "TP9 AF7 AF8 TP10",
        "cyton": "Fp1 Fp2 C3 C4 P7 P8 O1 O2",
        "daisy": "Fp1 Fp2 C3 C4 P7 P8 O1 O2 F7 F8 F3 F4 T7 T8 P3 P4",
        "epoc": "AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4",
        "biosemi32": """
            Fp1 AF3 F7 F3 FC1 FC5 T7 C3 CP1 CP5 P7 P3 Pz PO3 O1 Oz O2 PO4 P4 P8 CP6 CP2 C4 T8 FC6 FC2 F4 F8
            AF4 Fp2 Fz Cz
        """,
        "biosemi64": """
            Fp1 AF7 AF3 F1 F3 F5 F7 FT7 FC5 FC3 FC1 C1 C3 C5 T7 TP7 CP5 CP3 CP1 P1 P3 P5 P7 P9 PO7 PO3 O1
            Iz Oz POz Pz CPz Fpz Fp2 AF8 AF4 AFz Fz F2 F4 F6 F8 FT8 FC6 FC4 FC2 FCz Cz C2 C4 C6 T8 TP8 CP6 CP4
            CP2 P2 P4 P6 P8 P10 PO8 PO4 O2
        """,
    }.items()
}
"""Electrodes of common headsets, in the makers' order."""

_STEP = 18.0  # degrees: 10 % of 180°
_MIDLINE = ("Nz", "Fpz", "AFz", "Fz", "FCz", "Cz", "CPz", "Pz", "POz", "Oz", "Iz")  # front to back
_RING = ("AF", "F", "FT", "T", "TP", "P", "PO")  # the electrodes numbered 7 and 8, from 36° on
_ROWS = {"AF": "AFz", "F": "Fz", "FC": "FCz", "C": "Cz", "CP": "CPz", "P": "Pz", "PO": "POz"}
_ROW_ENDS = {"FC": "FT", "C": "T", "CP": "TP"}  # rows whose outermost electrode has another letter
_OLD_NAMES = {
    "T3": "T7",
    "T4": "T8",
    "T5": "P7",
    "T6": "P8",
    "A1": "T9",
    "A2": "T10",
    "M1": "TP9",
    "M2": "TP10",
}


def on_sphere(inclination: float, azimuth: float) -> NDArray[np.float64]:
    """Return the unit vector of a place on the head.

    Parameters
    ----------
    inclination, azimuth : float
        Degrees off the vertex, and degrees clockwise from the nose.

    Returns
    -------
    array of shape (3,)
        Right, front, up.
    """
    i, a = np.radians((inclination, azimuth))
    return np.array([np.sin(i) * np.sin(a), np.sin(i) * np.cos(a), np.cos(i)])


def _arc(start: NDArray[np.float64], through: NDArray[np.float64], fraction: float) -> NDArray[np.float64]:
    """Point at `fraction` of the way along the circle on the sphere from `start` to `through`.

    The circle is the one that also holds the mirror image of `start` on the other side of the head.
    """
    middle = np.array([0.0, start[1], start[2]])  # of the chord between both sides
    mirrored = start * (-1, 1, 1)
    normal = np.cross(start - through, mirrored - through)
    normal /= np.linalg.norm(normal)
    centre = normal * (normal @ middle)
    a, b = start - centre, through - centre
    angle = np.arccos(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1))
    way: NDArray[np.float64] = np.sin((1 - fraction) * angle) * a + np.sin(fraction * angle) * b
    return np.asarray(centre + way / np.sin(angle))


@cache
def _sphere() -> dict[str, NDArray[np.float64]]:
    """Every electrode of the 10-10 system as a unit vector, by its name in lower case."""
    places = {}
    for n, name in enumerate(_MIDLINE):
        inclination = 90.0 - n * _STEP
        places[name] = on_sphere(abs(inclination), 0.0 if inclination >= 0 else 180.0)
    for side, numbers in ((-1, (1, 3, 5, 7, 9)), (1, (2, 4, 6, 8, 10))):
        one, three, five, seven, nine = numbers
        for prefix, azimuth in (("Fp", _STEP), ("O", 9 * _STEP)):
            places[f"{prefix}{one}"] = on_sphere(72.0, side * azimuth)
        for n, prefix in enumerate(_RING):
            azimuth = side * (2 + n) * _STEP
            places[f"{prefix}{seven}"] = on_sphere(72.0, azimuth)
            places[f"{prefix}{nine}"] = on_sphere(90.0, azimuth)
        places[f"I{one}"] = places[f"O{nine}"] = on_sphere(90.0, side * 9 * _STEP)
        for row, middle in _ROWS.items():
            outer = places[f"{_ROW_ENDS.get(row, row)}{seven}"]
            for fraction, number in ((0.25, five), (0.5, three), (0.75, one)):
                places[f"{row}{number}"] = _arc(outer, places[middle], fraction)
    places |= {old: places[new] for old, new in _OLD_NAMES.items()}
    return {name.lower(): place for name, place in places.items()}


@cache
def position(label: str) -> tuple[float, float] | None:
    """Find an electrode on the flattened head.

    Parameters
    ----------
    label : str
        Understands `EEG Fp1`, `FP1`, `Fp1-REF` and `Fp1.`

    Returns
    -------
    (float, float) or None
        Right and front, the vertex at 0 and ear level at radius 1; None for what is no 10-10 electrode.
    """
    for part in label.replace("-", " ").replace("_", " ").split():
        place = _sphere().get(part.strip(".").lower())
        if place is not None:
            inclination = np.arccos(np.clip(place[2], -1, 1)) / (np.pi / 2)
            across = np.hypot(place[0], place[1])
            if across < 1e-9:
                return 0.0, 0.0
            return float(place[0] / across * inclination), float(place[1] / across * inclination)
    return None


def positions(labels: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Find the places of all labels that have one."""
    return {label: place for label in labels if (place := position(label)) is not None}
