"""Writes a teacher's file beside a session: what `phosphene embed` does, and `train --teacher` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.learning.data.cache import whole
from models.learning.data.film import shown_frames
from models.learning.embedding.models import Embeddings, SoundModel, TextModel
from models.learning.embedding.pictures import picture_model
from models.learning.embedding.sound import read_sound
from models.learning.embedding.subtitles import Subtitle, read_subtitles
from realtime.errors import ConfigError, SessionError
from recordings.session.session import Session

MARKERS = "markers"
OF_SESSION = "session"
_FILM_PX = 256


class Content(NamedTuple):
    """What is embedded.

    Attributes
    ----------
    kind : str
        `text`, `audio` or `video`.
    name : str
        Text: `markers`, or a file of subtitles. Audio: `session` for the sound of its own video file, or a
        file. Files are looked for beside the session, then where they say; their time 0 is the first frame of
        the session's video. Video: empty.
    every_s : float
        Seconds between two embeddings of sound or pictures, and the length of a stretch of sound.
    """

    kind: str
    name: str = ""
    every_s: float = 0.5


class Written(NamedTuple):
    """A file and what is in it: `n` embeddings of `width` numbers."""

    path: Path
    n: int
    width: int


Moments = tuple[list[float], Embeddings]


def embed_sessions(
    sessions: Iterable[str | Path],
    content: Content,
    model: str,
    out: str = "",
    tell: Callable[[str], None] | None = None,
) -> list[Written]:
    """Write one file a session: `stamps` (n,) s on the session's clock, rising, and `embeddings` (n, D).

    Parameters
    ----------
    model : str
        A folder, or a hub id, in the transformers format.
    out : str
        The files' name; `teacher-KIND.npz` by default.
    tell : callable, optional
        Told of each file.

    Raises
    ------
    ConfigError
        The kind of source is unknown.
    SessionError, VideoError
        There is nothing to embed.
    WeightsError
    """
    kinds: dict[str, Callable[[str], Callable[[Session, Content], Moments]]] = {
        "text": _texts,
        "audio": _sounds,
        "video": _pictures,
    }
    if content.kind not in kinds:
        raise ConfigError(f"{content.kind!r} is unknown: legal are {', '.join(kinds)}")
    moments_of = kinds[content.kind](model)
    written = []
    for path in sessions:
        with Session(path) as session:
            stamps, rows = moments_of(session, content)
            target = session.folder / (out or f"teacher-{content.kind}.npz")
        with whole(target) as work, work.open("wb") as file:
            np.savez_compressed(file, stamps=np.asarray(stamps, np.float64), embeddings=rows)
        written.append(Written(target, *rows.shape))
        if tell is not None:
            tell(f"{target}: {rows.shape[0]} embeddings of {rows.shape[1]} numbers")
    return written


def _texts(model: str) -> Callable[[Session, Content], Moments]:
    network = TextModel(model)

    def moments(session: Session, content: Content) -> Moments:
        lines = _markers(session) if content.name == MARKERS else _subtitles(session, content.name)
        sentences = sorted({line.text for line in lines})  # markers say the same again and again
        rows = network.embed(sentences)
        return [line.begin for line in lines], rows[[sentences.index(line.text) for line in lines]]

    return moments


def _sounds(model: str) -> Callable[[Session, Content], Moments]:
    network = SoundModel(model)

    def moments(session: Session, content: Content) -> Moments:
        track = session.video()
        path = track.path if content.name == OF_SESSION else _beside(session, content.name)
        sound, length = read_sound(path, network.rate), round(content.every_s * network.rate)
        stretches = [sound[first : first + length] for first in range(0, len(sound) - length + 1, length)]
        if not stretches:
            raise SessionError(f"{path}: its sound is shorter than {content.every_s:g} s")
        begin = float(track.times[0])
        return [begin + i * length / network.rate for i in range(len(stretches))], network.embed(stretches)

    return moments


def _pictures(model: str) -> Callable[[Session, Content], Moments]:
    network = picture_model(model)
    side = min(network.image_px, _FILM_PX) if network.image_px else _FILM_PX

    def moments(session: Session, content: Content) -> Moments:
        frames = ((stamp, picture) for stamp, (picture,) in shown_frames(session, [side]))
        found = list(network.embed(frames, content.every_s))
        if not found:
            raise SessionError(
                f"{session.path}: no frame of its video could be embedded; it may be too short"
            )
        return [stamp for stamp, _ in found], np.stack([row for _, row in found])

    return moments


def _markers(session: Session) -> list[Subtitle]:
    lines = [Subtitle(marker.stamp, marker.text) for marker in session.markers() if marker.text.strip()]
    if not lines:
        raise SessionError(f"{session.path} holds no markers: record a stream of them, or give subtitles")
    return lines


def _subtitles(session: Session, name: str) -> list[Subtitle]:
    begin = float(session.video().times[0])
    return [Subtitle(begin + line.begin, line.text) for line in read_subtitles(_beside(session, name))]


def _beside(session: Session, name: str) -> Path:
    """Find a file of that name in the session's folder, else where it says."""
    beside = session.folder / name
    return beside if beside.is_file() else Path(name)
