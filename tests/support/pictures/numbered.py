"""Frames that carry their own number, so that any picture proves which one it is.

The number stands in the top quarter of the frame as 4 rows of 8 black or white cells: 24 bits of the number
and 8 of a check sum. Cells are large, so they survive H.264, scaling and a change of brightness; the check
sum tells a damaged number from a good one.

    ┌─┬─┬─┬─┬─┬─┬─┬─┐
    │ number, bits 23…16
    │ number, bits 15…8      top quarter of the frame
    │ number, bits 7…0
    │ check sum
    ├─────────────────
    │ picture, left as it is
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

N_NUMBERS = 1 << 24
_ROWS, _COLUMNS = 4, 8
_LEAST_CONTRAST = 40.0
# Turns half of the cells white, so that small numbers too have black and white to compare with.
_WHITENING = np.unpackbits(np.array([0x5A, 0xC3, 0x96, 0x3C], dtype=np.uint8))


def _check_sum(number: NDArray[np.uint8]) -> int:
    """CRC-8 with polynomial x⁸ + x² + x + 1, over the bytes of a number."""
    rest = 0
    for byte in number.tolist():
        rest ^= byte
        for _ in range(8):
            rest = (rest << 1) ^ (0x107 if rest & 0x80 else 0)
    return rest


def _edges(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Borders of the rows and of the columns of cells, in pixels."""
    rows = np.linspace(0, height / 4, _ROWS + 1).round().astype(np.int64)
    columns = np.linspace(0, width, _COLUMNS + 1).round().astype(np.int64)
    return rows, columns


def draw_number(image: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Write `number` into the top quarter of `image`, in place, and give the image back.

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8
        At least 32 × 32 pixels.
    number : int
        0 to 16 777 215.

    Raises
    ------
    ValueError
        The number or the picture is outside these limits.
    """
    height, width = image.shape[:2]
    if not 0 <= number < N_NUMBERS:
        raise ValueError(f"number {number} does not fit into 24 bits")
    if min(height, width) < 32:
        raise ValueError(f"a number needs at least 32 × 32 pixels, this picture has {width} × {height}")
    octets = np.frombuffer(number.to_bytes(3, "big"), dtype=np.uint8)
    bits = np.unpackbits(np.append(octets, np.uint8(_check_sum(octets)))) ^ _WHITENING
    rows, columns = _edges(height, width)
    cells = (bits.reshape(_ROWS, _COLUMNS) * 255).astype(np.uint8)
    image[: rows[-1]] = np.repeat(np.repeat(cells, np.diff(rows), 0), np.diff(columns), 1)[..., None]
    return image


def read_number(image: NDArray[np.uint8]) -> int | None:
    """Read the number a picture carries, or None where it carries none that can be trusted.

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8
        May have been compressed, scaled, brightened or darkened since the number was drawn.
    """
    height, width = image.shape[:2]
    rows, columns = _edges(height, width)
    if np.diff(rows).min() < 1 or np.diff(columns).min() < 1:
        return None
    grey = image[: rows[-1]].mean(axis=2)
    means = np.array(
        [
            [_middle(grey[top:bottom, left:right]).mean() for left, right in pairwise(columns)]
            for top, bottom in pairwise(rows)
        ]
    )
    if np.ptp(means) < _LEAST_CONTRAST:
        return None
    bits = (means > (means.min() + means.max()) / 2).ravel().astype(np.uint8) ^ _WHITENING
    octets = np.packbits(bits)
    if _check_sum(octets[:3]) != octets[3]:
        return None
    return int.from_bytes(octets[:3].tobytes(), "big")


def numbered_frame(number: int, width: int = 160, height: int = 120) -> NDArray[np.uint8]:
    """Make a grey picture of shape (height, width, 3) that carries `number`."""
    return draw_number(np.full((height, width, 3), 128, dtype=np.uint8), number)


def _middle(cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut a cell's rim off, where compression and scaling mix it with its neighbours."""
    top, left = cell.shape[0] // 4, cell.shape[1] // 4
    return cell[top : cell.shape[0] - top, left : cell.shape[1] - left]
