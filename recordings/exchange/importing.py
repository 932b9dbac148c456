"""Makes a session of recordings by others: their EEG, and a video that was kept in a file of its own."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from realtime.errors import ConfigError, SessionError
from realtime.types import TimeArray, VideoInfo
from recordings.exchange.mne_reading import MneFile
from recordings.session.headers import marker_header, video_header
from recordings.session.session import XDF_NAME, Marker, Session
from recordings.video.files import VideoReader
from recordings.xdf.copy import Change, copy_streams
from recordings.xdf.writer import StreamHeader, XdfWriter

VIDEO = "video"
_FIRST_S = 1000.0  # where an imported file's first sample lies on its session's clock
_CHUNK_S = 0.25
_FRAMES_A_CHUNK = 4096


@dataclass(frozen=True)
class _Film:
    """A video file and when its frames are shown, seconds from its first one on, shape (n_frames,)."""

    path: Path
    times: TimeArray
    size: tuple[int, int]
    codec: str

    @classmethod
    def read(cls, path: str | Path) -> _Film:
        with VideoReader(path) as reader:
            return cls(Path(path), reader.pts - reader.pts[0], (reader.width, reader.height), reader.codec)

    def header(self, placed: str) -> StreamHeader:
        info = VideoInfo(VIDEO, *self.size, 0.0, f"file, {placed}")
        return video_header(VIDEO, self.path.name, self.codec, info)

    def write(self, writer: XdfWriter, stream_id: int, begin: float) -> None:
        """Write the numbers of its frames, the first of them shown at `begin` (s, session's clock)."""
        for first in range(0, len(self.times), _FRAMES_A_CHUNK):
            times = self.times[first : first + _FRAMES_A_CHUNK]
            number = first + np.arange(len(times))
            writer.samples(stream_id, begin + times, np.stack([number, number], axis=1))


def import_xdf(
    xdf: str | Path,
    video: str | Path,
    folder: str | Path,
    *,
    start_marker: str | None = None,
    offset_s: float | None = None,
) -> Path:
    """Make a session of an XDF file (LabRecorder's, for example) and a video.

    Every stream is kept with its header, raw stamps and clock offsets; the video is copied as it is, and a
    stream with the number and the time of each of its frames is added. Its times are the file's own, so a
    variable frame rate is kept.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there; must not hold a session yet.
    start_marker : str
        The text of the one marker at which the video's first frame was shown (or taken).
    offset_s : float
        In place of a marker: how long after the first EEG sample that was, seconds; negative for before it.

    Returns
    -------
    Path
        The session's XDF file.

    Raises
    ------
    ConfigError
        Neither marker nor offset, or both; or with them video and EEG have no moment in common.
    SessionError
        The XDF cannot be read, holds no EEG or not that marker just once; or the folder holds a session.
    VideoError
        The video cannot be read.
    """
    film = _Film.read(video)
    with Session(xdf) as session:
        reader = session.reader
        spans = [session.eeg(f"id={info.stream_id}").span for info in session.eeg_streams]
        if not spans:
            raise SessionError(f"{xdf} holds no EEG stream: nothing could be compared with a video")
        eeg = min(start for start, _ in spans), max(stop for _, stop in spans)
        begin, placed = _placed(film, eeg, session.markers(), start_marker, offset_s)
        headers: dict[int, StreamHeader | str] = {i: s.info.xml for i, s in reader.streams.items()}
        film_id = next(i for i in count(1) if i not in headers)
        with _new_session(folder, {**headers, film_id: film.header(placed)}, film) as writer:
            film.write(writer, film_id, begin)
            copy_streams(reader, writer, dict.fromkeys(headers, Change()))
    return Path(folder) / XDF_NAME


def import_eeg(
    file: str | Path,
    video: str | Path,
    folder: str | Path,
    *,
    start_marker: str | None = None,
    offset_s: float | None = None,
) -> Path:
    """Make a session of an EEG file that mne reads (EDF, BDF, BrainVision, EEGLAB, FIF, …) and a video.

    EEG channels become the EEG stream, in µV; all others (eyes, triggers, …) a stream of type AUX beside it.
    Annotations and the codes of trigger channels become markers. Stretches that mne marks as not recorded
    (BAD_ACQ_SKIP) become gaps.

    Parameters and errors as for `import_xdf`; further a `ConfigError` where mne is not installed.
    """
    film, source = _Film.read(video), MneFile(file)
    eeg = [i for i, channel in enumerate(source.channels) if channel.kind == "eeg"]
    if not eeg:
        kinds = ", ".join(sorted({channel.kind for channel in source.channels}))
        raise SessionError(f"{file} holds no EEG channel, only {kinds}: set the channels' types in it first")
    span = 0.0, (source.n_samples - 1) / source.rate
    begin, placed = _placed(film, span, source.markers, start_marker, offset_s)
    start = _FIRST_S + max(0.0, math.ceil(-begin))  # no time before 0, wherever the video begins
    others = [i for i in range(len(source.channels)) if i not in eeg]
    groups = {1: eeg, 2: others} if others else {1: eeg}
    headers = {i: _header(source, chosen, "EEG" if i == 1 else "AUX") for i, chosen in groups.items()}
    marks, film_id = 3, 4
    headers |= {marks: marker_header(), film_id: film.header(placed)}
    with _new_session(folder, headers, film) as writer:
        film.write(writer, film_id, start + begin)
        texts = [[marker.text] for marker in source.markers]
        writer.samples(marks, [start + marker.stamp for marker in source.markers], texts)
        for stream_id, chosen in groups.items():
            _write_samples(writer, stream_id, source, chosen, start)
    return Path(folder) / XDF_NAME


def _header(source: MneFile, chosen: Sequence[int], type: str) -> StreamHeader:
    channels = [source.channels[i] for i in chosen]
    described = [{"label": c.label, "unit": c.unit, "type": c.kind.upper()} for c in channels]
    return StreamHeader(
        source.path.stem, type, len(channels), source.rate, "float32", source.path.name,
        description={"channels": {"channel": described}},
    )  # fmt: skip


def _write_samples(
    writer: XdfWriter, stream_id: int, source: MneFile, chosen: Sequence[int], start: float
) -> None:
    """Write channels in chunks as a recorder would have: a long one would have to be read as a whole."""
    step = max(1, round(_CHUNK_S * source.rate))
    for number, samples in source.blocks(chosen):
        stamps = start + number / source.rate
        for first in range(0, len(stamps), step):
            part = slice(first, first + step)
            writer.samples(stream_id, stamps[part], samples[part])


def _placed(
    film: _Film,
    eeg: tuple[float, float],
    markers: Sequence[Marker],
    start_marker: str | None,
    offset_s: float | None,
) -> tuple[float, str]:
    """When the video's first frame was shown, on the clock of `eeg` and markers, and by what we know it."""
    if start_marker is not None and offset_s is None:
        begin, placed = _stamp_of(start_marker, markers, eeg[0]), f"begins with marker {start_marker!r}"
    elif offset_s is not None and start_marker is None:
        begin, placed = eeg[0] + offset_s, f"begins {offset_s:g} s after the EEG"
    else:
        raise ConfigError(
            "when does the video begin? Give either the text of the marker at its first frame, or how many "
            "seconds after the first EEG sample that was"
        )
    after, length, end = begin - eeg[0], float(film.times[-1]), eeg[1] - eeg[0]
    if not -length < after < end:
        raise ConfigError(
            f"the video would run from {after:.3f} s to {after + length:.3f} s and the EEG from 0 to "
            f"{end:.3f} s: they have no moment in common. Check marker or offset (in seconds)."
        )
    return begin, placed


def _stamp_of(text: str, markers: Sequence[Marker], eeg_start: float) -> float:
    stamps = [marker.stamp for marker in markers if marker.text == text]
    if len(stamps) == 1:
        return stamps[0]
    if stamps:
        seen = ", ".join(f"{stamp - eeg_start:.3f}" for stamp in stamps[:5])
        raise SessionError(
            f"marker {text!r} is there {len(stamps)} times (at {seen}{' …' if len(stamps) > 5 else ''} s): "
            "give the video's beginning in seconds after the first EEG sample instead"
        )
    there = sorted({marker.text for marker in markers})
    listed = ", ".join(map(repr, there[:12])) + (" …" if len(there) > 12 else "") if there else "none at all"
    raise SessionError(f"there is no marker {text!r}; the file has {listed}")


@contextmanager
def _new_session(
    folder: str | Path, headers: Mapping[int, StreamHeader | str], film: _Film
) -> Iterator[XdfWriter]:
    """Write the session's XDF, and the video beside it at the end; nothing is left where that fails."""
    video = Path(folder) / film.path.name
    made: list[Path] = []
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        if video.exists() and not video.samefile(film.path):
            raise SessionError(f"{video} exists already and is never overwritten: choose another folder")
        with XdfWriter(Path(folder) / XDF_NAME, headers) as writer:
            made.append(writer.path)
            yield writer
        if not video.exists():
            made.append(video)
            shutil.copyfile(film.path, video)
    except BaseException as failure:
        for path in made:
            path.unlink(missing_ok=True)
        if isinstance(failure, OSError):
            reason = failure.strerror or failure
            raise SessionError(f"{folder} cannot be written ({reason}): check folder and disk") from failure
        raise
