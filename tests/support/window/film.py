"""A film for a session in a window."""

from __future__ import annotations

from pathlib import Path

from realtime.virtual.film.film import Film
from recordings.video.files import VideoWriter


def small_film(path: Path, seconds: float) -> Path:
    """Write the virtual subject's film, small."""
    pictures = Film(size=(160, 90))
    with VideoWriter(path, (160, 90)) as writer:
        for number in range(round(30 * seconds)):
            writer.write(pictures.frame(number), number / 30)
    return path
