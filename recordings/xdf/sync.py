"""Which of a file's stamps and clock offsets can be believed, and where a clock began again.

From these to one clock it is the rule that also holds live, `realtime.time.offsets`.
"""

from __future__ import annotations

import numpy as np

from realtime.types import BoolArray, TimeArray
from recordings.xdf.index import XdfStream

_ALONE_S = 1.0
_APART_MOST_S = 86_400.0


def trusted(stream: XdfStream) -> tuple[int, TimeArray, TimeArray]:
    """Find the number of samples, offset times (n,) and values (n,) that can be trusted.

    liblsl can write one extra sample and one senseless offset while an outlet is destroyed (liblsl#246,
    pylsl#67). Both are left out where both are seen: one sample more than the footer counts, and a last
    offset out of line with those before. A footer that counts otherwise is no reason to leave anything out.
    """
    n, claimed = stream.n_samples, stream.footer_count
    sane = sane_offsets(stream.offset_times, stream.offset_values)
    times, values = stream.offset_times[sane], stream.offset_values[sane]
    dying = claimed is not None and n == claimed + 1
    if dying and not sane[-1:].all():
        return n - 1, times, values
    if not dying or len(times) < 3:
        return n, times, values
    usual_step = np.median(np.diff(times)[:-1])
    last_step = abs(times[-1] - times[-2])
    late = last_step > 10.0 * usual_step if usual_step > 0 else last_step > 0
    middle = np.median(values[:-1])
    deviation = 1.4826 * np.median(np.abs(values[:-1] - middle))  # of a normal distribution, from its MAD
    off = deviation > 1.4826 * np.finfo(float).eps and abs(values[-1] - middle) > 10.0 * deviation
    return (n - 1, times[:-1], values[:-1]) if late or off else (n, times, values)


def sane_offsets(times: TimeArray, values: TimeArray) -> BoolArray:
    """Tell which offsets, at times (n,) with values (n,), can have been measured.

    Not those that are no number, nor one that lies more than 1 s off two that agree, before and after it, nor
    a first or last one that would have been measured more than a day away from its neighbour.
    """
    sane: BoolArray = np.isfinite(times) & np.isfinite(values)
    known = np.flatnonzero(sane)
    if len(known) < 3:
        return sane
    value, measured = values[known], times[known] + values[known]
    away = np.abs(np.diff(value)) > _ALONE_S
    agree = np.abs(value[2:] - value[:-2]) <= _ALONE_S
    alone = np.zeros(len(known), bool)
    alone[1:-1] = away[:-1] & away[1:] & agree
    alone[0] = abs(measured[1] - measured[0]) > _APART_MOST_S
    alone[-1] = abs(measured[-1] - measured[-2]) > _APART_MOST_S
    sane[known[alone]] = False
    return sane
