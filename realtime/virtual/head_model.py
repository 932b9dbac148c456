"""How strongly each electrode sees a patch of cortex: a sphere and a bell, no more.

The sphere has the vertex on top and Fpz, T7, Oz and T8 on its equator.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.eeg.electrodes import on_sphere, position
from realtime.errors import ConfigError

_EQUATOR = 0.8  # where Fpz and T7 lie on the flattened head, of the way from the vertex to ear level


def direction(label: str) -> NDArray[np.float64]:
    """Return the unit vector from the head's centre to an electrode.

    Returns
    -------
    array of shape (3,)
        Right, front, up.

    Raises
    ------
    ConfigError
        The label is no position of the 10-10 system.
    """
    place = position(label)
    if place is None:
        raise ConfigError(
            f"'{label}' is no electrode of the 10-20 or 10-10 system: use names such as Fz, PO7, Oz"
        )
    return on_sphere(90 / _EQUATOR * np.hypot(*place), np.degrees(np.arctan2(*place)))


def topography(
    labels: tuple[str, ...],
    centres: dict[str, float],
    spread_deg: float,
    turn: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Weigh how strongly each electrode sees activity under some electrodes.

    Parameters
    ----------
    labels : tuple of str
    centres : dict of str to float
        Electrodes over the active places, each with its weight (negative where the field turns).
    spread_deg : float
        Width of the field on the scalp, see `bell`.
    turn : array of shape (3, 3), optional
        Turns the active places about the head's centre: a brain whose cortex is folded otherwise.

    Returns
    -------
    array of shape (n_channels,)
    """
    field = np.zeros(len(labels))
    for centre, weight in centres.items():
        place = direction(centre)
        field += weight * bell(labels, place if turn is None else turn @ place, spread_deg)
    return field


def bell(labels: tuple[str, ...], centre: NDArray[np.float64], spread_deg: float) -> NDArray[np.float64]:
    """Weigh how strongly each electrode sees one patch of cortex.

    Parameters
    ----------
    labels : tuple of str
    centre : array of shape (3,)
        Unit vector to the patch.
    spread_deg : float
        Standard deviation of a bell over the angle between patch and electrode, degrees.

    Returns
    -------
    array of shape (n_channels,)
        1 right over the patch.
    """
    places = np.stack([direction(label) for label in labels])
    angle = np.degrees(np.arccos(np.clip((places * centre).sum(1), -1, 1)))
    return np.asarray(np.exp(-0.5 * (angle / spread_deg) ** 2))
