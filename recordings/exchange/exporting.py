"""A session's EEG as mne's Raw and as a FIF file, with markers and videos as annotations.

The samples stay what they were. Where some are missing, or are no numbers, zeros stand, marked in the way
that mne's filters and averages leave out (BAD_ACQ_SKIP, BAD_NAN); a channel without numbers is marked as bad.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from realtime.eeg.channels import kinds_of, own_gains, units_of
from realtime.errors import ConfigError, SessionError
from realtime.types import EegInfo, TimeArray
from recordings.exchange.extras import need
from recordings.exchange.foreign.source_file import SKIPPED
from recordings.session.regular import Regular, regular
from recordings.session.session import Session
from recordings.session.tracks import EegTrack, VideoTrack

FILM = "video "  # before the file's name, in the annotation that tells when it ran
_SIEMENS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "siemens": 1.0, "microsiemens": 1e-6}
_V_PER_UV = 1e-6
NAN = "BAD_NAN"  # of the annotation where a sender gave no numbers
_MOSTLY = 0.5
_NAMES = ("_raw.fif", "_eeg.fif", "_raw.fif.gz", "_eeg.fif.gz")


def to_raw(session: Session, eeg: str | None = None, unit: str | None = None) -> Any:
    """Return a session's EEG as an `mne.io.RawArray`.

    Markers and videos outside the recording's time are left out, since mne holds nothing there.

    Parameters
    ----------
    eeg : str, optional
        Which EEG stream, see `Session.eeg`; needed only where there are several.
    unit : str, optional
        Of the samples, where the stream states none or a wrong one.

    Raises
    ------
    ConfigError
        mne is not installed.
    SessionError, StreamFormatError
        The stream is not there, is damaged, or its unit is no voltage.
    """
    track = session.eeg(eeg)
    return raw_of(session, track, regular(track), unit)


def raw_of(session: Session, track: EegTrack, laid_out: Regular, unit: str | None = None) -> Any:
    """As `to_raw`, of a stream that is laid out already."""
    mne = need("mne", "mne", "turning a session into mne's Raw")
    gains, kinds, units = _in_si(track.info, unit)
    values = laid_out.samples.T.astype(np.float64) * gains[:, None]
    info = mne.create_info(list(track.info.labels), laid_out.rate, kinds, verbose="ERROR")
    for channel, known in zip(info["chs"], units, strict=True):
        if known is not None:
            channel["unit"] = getattr(mne.io.constants.FIFF, known)
    bad, holes = not_numbers(values)
    info["bads"] = [track.info.labels[i] for i in bad]
    raw = mne.io.RawArray(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), info, verbose="ERROR")
    raw.set_meas_date(begun(session))
    notes = sorted(
        [*notes_of(session, laid_out), *((a / laid_out.rate, n / laid_out.rate, NAN) for a, n in holes)]
    )
    raw.set_annotations(mne.Annotations(*zip(*notes, strict=True)) if notes else None, verbose="ERROR")
    return raw


def export_fif(session: Session, path: str | Path, eeg: str | None = None, unit: str | None = None) -> Path:
    """Write a FIF file, in double precision, so that no digit is lost.

    Parameters as for `to_raw`.

    Raises
    ------
    ConfigError
        The name is not one that mne takes, or mne is not installed.
    SessionError
        The file exists or cannot be written; and as `to_raw`.
    """
    path = Path(path)
    if not path.name.endswith(_NAMES):
        raise ConfigError(f"{path.name}: mne wants a name that ends in {' or '.join(_NAMES[:2])}")
    raw = to_raw(session, eeg, unit)
    try:
        raw.save(path, fmt="double", verbose="ERROR")
    except OSError as error:
        raise SessionError(f"{path} cannot be written: {error}") from error
    return path


def left_behind(session: Session, eeg: str | None = None) -> list[str]:
    """Say which streams of numbers no export takes: all but the chosen EEG and the videos' frames."""
    taken = {session.eeg(eeg).stream_id, *(video.stream_id for video in session.video_streams)}
    streams = [s.info for s in session.reader.streams.values() if s.info.format != "string"]
    return [
        f"{info.name} ({info.type or 'no type'}, {info.n_channels} channels)"
        for info in streams
        if info.stream_id not in taken
    ]


def videos_of(session: Session) -> list[VideoTrack]:
    """Return the videos whose files are there: the EEG can be exported without them."""
    found = []
    for info in session.video_streams:
        with contextlib.suppress(SessionError):
            found.append(session.video(f"id={info.stream_id}"))
    return found


def _in_si(info: EegInfo, unit: str | None) -> tuple[TimeArray, list[str], list[str | None]]:
    """Find what brings each channel to mne's unit for its kind, the kind, and a unit where it is another."""
    gains, volts = own_gains(info, unit)
    kinds, units = list(kinds_of(info)), [None if is_volt else "FIFF_UNIT_NONE" for is_volt in volts]
    for i, (kind, stated) in enumerate(zip(kinds, units_of(info), strict=True)):
        if volts[i]:
            gains[i] *= _V_PER_UV
            units[i] = "FIFF_UNIT_V" if kind in ("misc", "resp", "bio") and stated else None
        elif kind == "gsr" and stated.lower() in _SIEMENS:
            gains[i] *= _SIEMENS[stated.lower()]
            units[i] = None
        elif kind == "temperature" and "f" not in stated.lower():
            units[i] = None
        elif kind in ("gsr", "temperature", "bio"):
            kinds[i] = "misc"
    return gains, kinds, units


def not_numbers(values: TimeArray) -> tuple[list[int], list[tuple[int, int]]]:
    """Find channels of values (n_channels, n) that mostly hold no numbers, and the holes of the others.

    A hole is its first sample and its length.
    """
    missing = ~np.isfinite(values)
    bad = [i for i, share in enumerate(missing.mean(axis=1)) if share > _MOSTLY]
    hole = np.delete(missing, bad, axis=0).any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], hole, [0])).astype(np.int8)))
    return bad, [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def notes_of(session: Session, laid_out: Regular) -> list[tuple[float, float, str]]:
    """List onset, duration and text of every annotation, seconds since the first sample."""
    markers = session.markers()
    onsets = laid_out.onsets([marker.stamp for marker in markers]).tolist()
    notes = [(at, 0.0, marker.text) for at, marker in zip(onsets, markers, strict=True)]
    length = len(laid_out.samples) / laid_out.rate
    for track in videos_of(session):
        begin, end = laid_out.onsets(track.span).clip(0.0, length).tolist()
        notes.append((begin, end - begin, FILM + track.path.name))
    notes += [(first / laid_out.rate, n / laid_out.rate, SKIPPED) for first, n in laid_out.skipped]
    return sorted(note for note in notes if 0 <= note[0] < length)


def begun(session: Session) -> datetime | None:
    """Return when the file was begun, where its header says so and in which zone."""
    header = session.reader.header
    try:
        begun = datetime.fromisoformat((header.findtext("datetime") if header is not None else "") or "")
    except ValueError:
        return None
    return begun.astimezone(UTC) if begun.tzinfo else None
