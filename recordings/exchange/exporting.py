"""A session's EEG as mne's Raw and as a FIF file, with markers and videos as annotations.

The samples stay what they were. Where some are missing zeros stand, marked in the way that mne's filters and
averages leave out (BAD_ACQ_SKIP).
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from realtime.eeg.units import microvolts_per_unit
from realtime.errors import ConfigError, SessionError
from recordings.exchange.extras import need
from recordings.exchange.mne_reading import SKIPPED
from recordings.session.regular import Regular, regular
from recordings.session.session import Session
from recordings.session.tracks import EegTrack, VideoTrack

FILM = "video "  # before the file's name, in the annotation that tells when it ran
_KINDS = {"eog", "ecg", "emg", "stim", "misc", "resp", "gsr", "temperature", "bio"}
_V_PER_UV = 1e-6
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
    gain = microvolts_per_unit(unit or track.info.unit) * _V_PER_UV
    volts = laid_out.samples.T.astype(np.float64) * gain
    info = mne.create_info(list(track.info.labels), laid_out.rate, _kinds(session, track), verbose="ERROR")
    raw = mne.io.RawArray(volts, info, verbose="ERROR")
    raw.set_meas_date(_begun(session))
    notes = _notes(session, laid_out)
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


def videos_of(session: Session) -> list[VideoTrack]:
    """Return the videos whose files are there: the EEG can be exported without them."""
    found = []
    for info in session.video_streams:
        with contextlib.suppress(SessionError):
            found.append(session.video(f"id={info.stream_id}"))
    return found


def _kinds(session: Session, track: EegTrack) -> list[str]:
    """Name each channel's kind as mne does, by the type its description gives; EEG where that is unknown."""
    found = next(i for i in session.eeg_streams if session.eeg(f"id={i.stream_id}") is track)
    stated = [c.findtext("type") or "" for c in found.root.findall("desc/channels/channel")]
    stated += [""] * (track.info.n_channels - len(stated))
    kinds = [word.strip().lower() for word in stated[: track.info.n_channels]]
    return [kind if kind in _KINDS else "eeg" for kind in kinds]


def _notes(session: Session, laid_out: Regular) -> list[tuple[float, float, str]]:
    """Onset, duration and text of every annotation, seconds since the first sample."""
    markers = session.markers()
    onsets = laid_out.onsets([marker.stamp for marker in markers]).tolist()
    notes = [(at, 0.0, marker.text) for at, marker in zip(onsets, markers, strict=True)]
    length = len(laid_out.samples) / laid_out.rate
    for track in videos_of(session):
        begin, end = laid_out.onsets(track.span).clip(0.0, length).tolist()
        notes.append((begin, end - begin, FILM + track.path.name))
    notes += [(first / laid_out.rate, n / laid_out.rate, SKIPPED) for first, n in laid_out.skipped]
    return sorted(note for note in notes if 0 <= note[0] < length)


def _begun(session: Session) -> datetime | None:
    """When the file was begun, where its header says so and in which zone."""
    header = session.reader.header
    try:
        begun = datetime.fromisoformat((header.findtext("datetime") if header is not None else "") or "")
    except ValueError:
        return None
    return begun.astimezone(UTC) if begun.tzinfo else None
