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


def _on_sphere(inclination: float, azimuth: float) -> NDArray[np.float64]:
    """Unit vector (right, front, up) from degrees off the vertex and degrees clockwise from the nose."""
    i, a = np.radians((inclination, azimuth))
    return np.array([np.sin(i) * np.sin(a), np.sin(i) * np.cos(a), np.cos(i)])


def _arc(start: NDArray, through: NDArray, fraction: float) -> NDArray[np.float64]:
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
    return centre + (np.sin((1 - fraction) * angle) * a + np.sin(fraction * angle) * b) / np.sin(angle)


@cache
def _sphere() -> dict[str, NDArray[np.float64]]:
    """Every electrode of the 10-10 system as a unit vector, by its name in lower case."""
    places = {}
    for n, name in enumerate(_MIDLINE):
        inclination = 90.0 - n * _STEP
        places[name] = _on_sphere(abs(inclination), 0.0 if inclination >= 0 else 180.0)
    for side, numbers in ((-1, (1, 3, 5, 7, 9)), (1, (2, 4, 6, 8, 10))):
        one, three, five, seven, nine = numbers
        for prefix, azimuth in (("Fp", _STEP), ("O", 9 * _STEP)):
            places[f"{prefix}{one}"] = _on_sphere(72.0, side * azimuth)
        for n, prefix in enumerate(_RING):
            azimuth = side * (2 + n) * _STEP
            places[f"{prefix}{seven}"] = _on_sphere(72.0, azimuth)
            places[f"{prefix}{nine}"] = _on_sphere(90.0, azimuth)
        places[f"I{one}"] = places[f"O{nine}"] = _on_sphere(90.0, side * 9 * _STEP)
        for row, middle in _ROWS.items():
            outer = places[f"{_ROW_ENDS.get(row, row)}{seven}"]
            for fraction, number in ((0.25, five), (0.5, three), (0.75, one)):
                places[f"{row}{number}"] = _arc(outer, places[middle], fraction)
    places |= {old: places[new] for old, new in _OLD_NAMES.items()}
    return {name.lower(): place for name, place in places.items()}


@cache
def position(label: str) -> tuple[float, float] | None:
    """Place of an electrode on the flattened head: (right, front), the vertex at 0 and ear level at radius 1.

    Understands `EEG Fp1`, `FP1`, `Fp1-REF` and `Fp1.`; None for a name that is no 10-10 electrode.
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
    """Places of all labels that have one."""
    return {label: place for label in labels if (place := position(label)) is not None}
