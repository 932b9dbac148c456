"""A session's EEG as EDF+ (16 bits a sample) or BDF+ (24), with markers and videos as annotations."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import numpy as np

from realtime.eeg.channels import own_gains, units_of
from realtime.errors import SessionError
from realtime.types import TimeArray
from recordings.exchange.exporting import NAN, begun, not_numbers, notes_of
from recordings.exchange.extras import need
from recordings.exchange.foreign.source_file import SKIPPED
from recordings.session.regular import regular
from recordings.session.session import Session
from recordings.session.tracks import EegTrack

_LABEL = 16  # characters the format has for a channel's name,
_UNIT = 8  # and for its unit
_YEARS = 1985, 2084  # that its two digits can tell


def export_edf(session: Session, path: str | Path, eeg: str | None = None, unit: str | None = None) -> Path:
    """Write an EDF+ or, where the name ends in `.bdf`, a BDF+ file.

    Each channel takes the whole range of the format's steps for its own values: they come back to half a
    step, which is 1/65 000 of that range in EDF and 1/16 000 000 in BDF. Where nothing was recorded, or no
    numbers, zeros stand, with an annotation (BAD_ACQ_SKIP, BAD_NAN); so at the end, which both formats fill
    up to a whole record.

    Parameters
    ----------
    path : str or Path
        Ends in `.edf` or `.bdf`.
    eeg, unit : str, optional
        As for `recordings.exchange.exporting.to_raw`.

    Raises
    ------
    ConfigError
        edfio is not installed.
    SessionError
        The file exists or cannot be written, or a channel cannot be told in this format; and as `to_raw`.
    """
    path = Path(path)
    edfio = need("edfio", "edf", f"writing {path.suffix.upper().lstrip('.')}")
    if path.exists():
        raise SessionError(f"{path} exists already and is never overwritten: choose another name")
    track = session.eeg(eeg)
    laid_out = regular(track)
    values = laid_out.samples.T.astype(np.float64) * own_gains(track.info, unit)[0][:, None]
    _, holes = not_numbers(values)
    n_record, record_s = _record(laid_out.rate)
    n_padded = -len(laid_out.samples) % n_record
    values = np.pad(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), ((0, 0), (0, n_padded)))
    notes = notes_of(session, laid_out)
    notes += [(a / laid_out.rate, n / laid_out.rate, NAN) for a, n in holes]
    if n_padded:
        notes.append((len(laid_out.samples) / laid_out.rate, n_padded / laid_out.rate, SKIPPED))
    rate, own = n_record / record_s, zip(values, _labels(track), _units(track, unit), strict=True)
    signal, file = (edfio.BdfSignal, edfio.Bdf) if path.suffix == ".bdf" else (edfio.EdfSignal, edfio.Edf)
    try:
        signals = [
            signal(row, rate, label=label, physical_dimension=dimension, physical_range=_range(row))
            for row, label, dimension in own
        ]
        texts = [edfio.EdfAnnotation(at, length or None, _plain(text)) for at, length, text in sorted(notes)]
        dated = _date(edfio, session)
        file(signals, data_record_duration=record_s, annotations=texts, **dated).write(path)
    except (OSError, ValueError) as error:
        path.unlink(missing_ok=True)
        raise SessionError(f"{path} cannot be written: {error}") from error
    return path


def _record(rate: float) -> tuple[int, float]:
    """Choose the samples of a record of about a second, and its length, in the eight characters there are."""
    if rate == round(rate):
        return round(rate), 1.0
    n = max(1, round(rate))
    return n, float(f"{n / rate:.6f}")


def _range(values: TimeArray) -> tuple[float, float]:
    """Give a range that holds all values and can be written in eight characters."""
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    digits = max(0, 5 - max(0, math.floor(math.log10(largest)) + 1)) if largest >= 1e-4 else 6
    step = 10.0**-digits
    high = math.ceil(largest / step) * step
    return -round(high, digits), round(high, digits)


def _labels(track: EegTrack) -> list[str]:
    """Names in the letters and the length the format has, each of its own."""
    found: list[str] = []
    for number, label in enumerate(track.info.labels, 1):
        plain = label.encode("ascii", "replace").decode()[:_LABEL]
        end = f"-{number}"
        found.append(plain if plain not in found else plain[: _LABEL - len(end)] + end)
    return found


def _units(track: EegTrack, unit: str | None) -> list[str]:
    _, volts = own_gains(track.info, unit)
    stated = units_of(track.info)
    own = ["uV" if is_volt else one for one, is_volt in zip(stated, volts, strict=True)]
    return [
        one.replace("µ", "u").replace("°", "deg").encode("ascii", "replace").decode()[:_UNIT] for one in own
    ]


def _plain(text: str) -> str:
    """Give a text without the marks that the format ends its entries with."""
    return "".join(" " if ord(letter) < 32 else letter for letter in text)


def _date(edfio: Any, session: Session) -> dict[str, Any]:
    at = begun(session)
    if at is None or not _YEARS[0] <= at.year <= _YEARS[1]:
        return {}
    start = datetime.time(at.hour, at.minute, at.second)
    return {"recording": edfio.Recording(startdate=at.date()), "starttime": start}
