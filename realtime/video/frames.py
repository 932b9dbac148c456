"""The one reduction every frame goes through before it is kept, live and replayed alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.video.opencv import cv2


def shrink(image: NDArray[np.uint8], short_side: int) -> NDArray[np.uint8]:
    """Reduce a picture to `short_side` pixels on its shorter side; a smaller one is given back as it is.

    Averages over areas, so fine stripes fade instead of turning into false ones, and the mean brightness,
    which evoked responses follow, stays what it was.

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8 RGB
    short_side : int
        Pixels, at least 1.

    Returns
    -------
    array of shape (new_height, new_width, 3), uint8 RGB
    """
    height, width = image.shape[:2]
    shorter = min(height, width)
    if shorter <= short_side:
        return image
    size = (max(1, round(width * short_side / shorter)), max(1, round(height * short_side / shorter)))
    while min(image.shape[:2]) >= 2 * short_side:  # by halves: four times as fast
        image = _halve(image)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _halve(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each two by two pixels as one; an odd row or column at the end goes."""
    half = image.shape[1] // 2, image.shape[0] // 2
    whole = image[: 2 * half[1], : 2 * half[0]]
    return np.asarray(cv2.resize(whole, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)
