"""What linear models see of a film: a few numbers a frame that evoked responses are known to follow.

Luminance and contrast as in Lalor et al. 2006 (doi:10.1016/j.neuroimage.2006.05.054), change as in Dmochowski
et al. 2018 (doi:10.1016/j.neuroimage.2017.05.037); cuts are steps in change.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.video.opencv import cv2

FEATURES = ("luminance", "contrast", "difference", "edges", "cut")
CHANGES = ("difference", "cut")
"""Features of a change: they stand at the slot where a frame appears, and are 0 while it stays."""
SHORT_SIDE = 64  # pixels; nothing here needs more
CUT = 0.15
"""Mean change of luminance, of full scale, from which on a change is a cut."""
_REC_709 = np.array([[0.2126, 0.7152, 0.0722]])  # of red, green, blue
Floats = NDArray[np.float32]


def frame_features(image: NDArray[np.uint8], before: NDArray[np.uint8] | None) -> list[float]:
    """Compute the features of one frame, each 0 to 1.

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8 RGB
    before : array of the same shape, or None for the first frame
    """
    return grey_features(luma(image), None if before is None else luma(before))


def grey_features(grey: Floats, before: Floats | None) -> list[float]:
    """Compute them of the luminance of a frame and of the one before it, both (height, width), 0 to 1."""
    edges = cv2.magnitude(*np.gradient(grey)) if min(grey.shape) > 1 else np.zeros_like(grey)
    change = 0.0 if before is None else cv2.norm(grey, before, cv2.NORM_L1) / grey.size
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(grey))
    return [mean, deviation, change, cv2.mean(edges)[0], float(change > CUT)]


def luma(image: NDArray[np.uint8]) -> Floats:
    """Luminance (height, width) of sRGB by Rec. 709's weights on the coded values, 0 to 1."""
    return np.asarray(cv2.transform(image.astype(np.float32), _REC_709 / 255), np.float32)


def on_slots(rows: Floats, position: NDArray[np.int64], shown: NDArray[np.bool_]) -> Floats:
    """Features of frames brought to slots: states are held, a change stands where its frame appears.

    Where several frames appear between two slots, the largest change of them counts.

    Parameters
    ----------
    rows : array of shape (n_frames, n_features)
    position : array of shape (n_slots,), int64
        The frame on show at each slot, -1 where none.
    shown : array of shape (n_slots,), bool
    """
    values = rows[np.maximum(position, 0)]
    changes = [FEATURES.index(name) for name in CHANGES]
    values[:, changes] = 0.0
    new = 1 + np.flatnonzero((position[1:] > position[:-1]) & (position[:-1] >= 0))
    if len(new):
        # Of each such slot, the first frame that appeared and the one behind the last.
        between = np.stack([position[new - 1], position[new]], axis=1) + 1
        of_all = np.pad(rows[:, changes], ((0, 1), (0, 0)))  # so that there is a row behind the last
        values[new[:, None], changes] = np.maximum.reduceat(of_all, between.ravel(), axis=0)[::2]
    values[~shown | (position < 0)] = 0.0
    return values
