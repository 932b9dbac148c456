"""Makes a session of recordings by others: their EEG, and a video that was kept in a file of its own."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from realtime.errors import ConfigError, SessionError
from realtime.types import IndexArray, TimeArray, VideoInfo
from recordings.exchange.foreign.edf import EdfFile
from recordings.exchange.foreign.mne_file import MneFile
from recordings.exchange.foreign.source_file import ChannelGroup, SampleBlock, SourceFile
from recordings.exchange.foreign.xdf_extras import frame_numbers, numbering_streams, redescribed
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


def _write_frames(writer: XdfWriter, stream_id: int, numbers: IndexArray, times: TimeArray) -> None:
    """Write which frame of the film was shown when (s, session's clock)."""
    for first in range(0, len(times), _FRAMES_A_CHUNK):
        part = slice(first, first + _FRAMES_A_CHUNK)
        writer.samples(stream_id, times[part], np.stack([numbers[part], numbers[part]], axis=1))


@dataclass(frozen=True)
class ImportOptions:
    """What the user knows better than a file.

    Attributes
    ----------
    unit : str, optional
        Of the EEG channels, where the file states none or a wrong one.
    montage : tuple of str
        Electrode names in place of the file's, one for each EEG channel.
    trigger_bits : int, optional
        How many low bits of a BDF's status channel are triggers, 8 or 16; see `EdfFile`.
    eeg : str, optional
        The stream of an XDF that is the EEG, whatever its type: see `Session.eeg`.
    frames : str, optional
        The stream of an XDF that numbers the video's frames, which then says when each was shown: its name,
        or `id=…`, `type=…`.
    say : callable
        Called with each sentence on what had to be concluded.
    """

    unit: str | None = None
    montage: tuple[str, ...] = ()
    trigger_bits: int | None = None
    eeg: str | None = None
    frames: str | None = None
    say: Callable[[str], None] = lambda sentence: None


def import_xdf(
    xdf: str | Path,
    video: str | Path,
    folder: str | Path,
    *,
    start_marker: str | None = None,
    offset_s: float | None = None,
    options: ImportOptions | None = None,
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
    options : ImportOptions
        With `frames`, neither marker nor offset is needed.

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
    film, options = _Film.read(video), options or ImportOptions()
    with Session(xdf) as session:
        reader = session.reader
        for sentence in reader.left_out.sentences():
            options.say(f"{xdf}: in the file, {sentence}")
        chosen = [session.stream(options.eeg, "--eeg")] if options.eeg else session.eeg_streams
        spans = [session.eeg(f"id={info.stream_id}").span for info in chosen]
        if not spans:
            session.eeg()  # says what there is to choose from
        eeg = min(start for start, _ in spans), max(stop for _, stop in spans)
        if options.frames:
            numbers, times = frame_numbers(session, options.frames, len(film.times))
            placed = f"numbered by {options.frames}"
        else:
            begin, placed = _placed(film, eeg, session.markers(), start_marker, offset_s)
            numbers, times = np.arange(len(film.times)), begin + film.times
            for name in numbering_streams(session):
                options.say(f"the recording numbers frames in {name}: --frames takes their times from there")
        headers: dict[int, StreamHeader | str] = {i: s.info.xml for i, s in reader.streams.items()}
        for info in chosen:
            headers[info.stream_id] = redescribed(info, options.unit, options.montage)
        film_id = next(i for i in count(1) if i not in headers)
        with _new_session(folder, {**headers, film_id: film.header(placed)}, film) as writer:
            _write_frames(writer, film_id, numbers, times)
            copy_streams(reader, writer, {i: Change() for i in reader.streams})
    return Path(folder) / XDF_NAME


def import_eeg(
    file: str | Path,
    video: str | Path,
    folder: str | Path,
    *,
    start_marker: str | None = None,
    offset_s: float | None = None,
    options: ImportOptions | None = None,
) -> Path:
    """Make a session of another program's EEG file and a video.

    EDF and BDF are read here, BrainVision, EEGLAB, FIF and others by mne. EEG channels become the EEG stream,
    all others (eyes, heart, triggers, …) streams of type AUX beside it, one for each rate; each channel keeps
    its kind and unit. Annotations and the codes of trigger channels become markers. Where nothing was
    recorded there are gaps of their true length.

    Parameters and errors as for `import_xdf`; further:

    Raises
    ------
    ConfigError
        mne is needed and not installed.
    """
    film, options = _Film.read(video), options or ImportOptions()
    source: SourceFile
    if Path(file).suffix.lower() in (".edf", ".bdf", ".rec"):
        source = EdfFile(file, options.unit, options.trigger_bits)
    else:
        source = MneFile(file, options.unit)
    if options.eeg or options.frames:
        raise ConfigError(f"{file} has no streams to choose from: --eeg and --frames are for XDF files")
    for sentence in source.notes:
        options.say(f"{file}: {sentence}")
    begin, placed = _placed(film, (0.0, source.end), source.markers, start_marker, offset_s)
    start = _FIRST_S + max(0.0, math.ceil(-begin))  # no time before 0, wherever the video begins
    groups = dict(enumerate(_named(source.groups, options.montage), 1))
    name = Path(file).stem
    headers = {i: _header(name, Path(file).name, group) for i, group in groups.items()}
    marks, film_id = len(groups) + 1, len(groups) + 2
    headers |= {marks: marker_header(), film_id: film.header(placed)}
    with _new_session(folder, headers, film) as writer:
        _write_frames(writer, film_id, np.arange(len(film.times)), start + begin + film.times)
        texts = [[marker.text] for marker in source.markers]
        writer.samples(marks, [start + marker.stamp for marker in source.markers], texts)
        for stream_id, group in groups.items():
            _write_samples(writer, stream_id, group.rate, source.blocks(group), start)
    return Path(folder) / XDF_NAME


def _named(groups: Sequence[ChannelGroup], montage: Sequence[str]) -> list[ChannelGroup]:
    """Give the groups with the electrodes called as the user says."""
    if not montage:
        return list(groups)
    (eeg, *others) = groups
    if len(montage) != len(eeg.channels):
        there = ", ".join(channel.label for channel in eeg.channels)
        raise ConfigError(
            f"the montage names {len(montage)} electrodes, but there are {len(eeg.channels)} EEG channels "
            f"({there}): name each of them, in this order"
        )
    renamed = [c._replace(label=label) for c, label in zip(eeg.channels, montage, strict=True)]
    return [eeg._replace(channels=tuple(renamed)), *others]


def _header(name: str, source_id: str, group: ChannelGroup) -> StreamHeader:
    described = [{"label": c.label, "unit": c.unit, "type": c.kind.upper()} for c in group.channels]
    return StreamHeader(
        name, group.type, len(described), group.rate, "float32", source_id,
        description={"channels": {"channel": described}},
    )  # fmt: skip


def _write_samples(
    writer: XdfWriter, stream_id: int, rate: float, blocks: Iterator[SampleBlock], start: float
) -> None:
    """Write a group in chunks as a recorder would have: a long one would have to be read as a whole."""
    step = max(1, round(_CHUNK_S * rate))
    for seconds, samples in blocks:
        for first in range(0, len(seconds), step):
            part = slice(first, first + step)
            writer.samples(stream_id, start + seconds[part], samples[part])


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
