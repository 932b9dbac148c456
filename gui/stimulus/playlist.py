"""What a participant is shown, item after item: films, pauses, pictures, questions."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from realtime.errors import ConfigError

_HELP = (
    'write a list such as [{"blank": 5}, {"film": "a.mp4"}, {"picture": "face.png", "seconds": 3}, '
    '{"question": "Did you like it? y / n", "keys": "yn"}]'
)


@dataclass(frozen=True)
class FilmItem:
    """A film, played once to its end."""

    path: Path

    @property
    def event(self) -> str:
        """What the recording says when it comes on."""
        return f"film: {self.path.name}"


@dataclass(frozen=True)
class Blank:
    """Black for so many seconds: a pause."""

    seconds: float
    event = "blank"


@dataclass(frozen=True)
class Still:
    """A picture for so many seconds."""

    path: Path
    seconds: float

    @property
    def event(self) -> str:
        """What the recording says when it comes on."""
        return f"picture: {self.path.name}"


@dataclass(frozen=True)
class Question:
    """Words that stand until one of the keys (letters or digits) is pressed."""

    text: str
    keys: str

    @property
    def event(self) -> str:
        """What the recording says when it comes on."""
        return f"question: {self.text}"


Item = FilmItem | Blank | Still | Question


def read_playlist(path: str | Path) -> tuple[Item, ...]:
    """Return what is played: the items of a `.json` file, or a film alone. Paths are beside the file.

    Raises
    ------
    ConfigError
        The list cannot be read, is empty, or an item is none.
    """
    path = Path(path)
    if path.suffix.lower() != ".json":
        return (FilmItem(path),)
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"the playlist {path} cannot be read ({error}): {_HELP}") from error
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"the playlist {path} holds no list of items: {_HELP}")
    return tuple(_item(entry, number, path) for number, entry in enumerate(entries, 1))


def _item(entry: object, number: int, path: Path) -> Item:
    """Return an item from its entry; one with a name too many or too few is none."""
    given = dict(entry) if isinstance(entry, dict) else {}
    match given, len(given):
        case {"film": str(name)}, 1:
            return FilmItem(_there(path, name, number))
        case {"blank": seconds}, 1 if _lasts(seconds):
            return Blank(float(seconds))
        case {"picture": str(name), "seconds": seconds}, 2 if _lasts(seconds):
            return Still(_there(path, name, number), float(seconds))
        case {"question": str(text), "keys": str(keys)}, 2 if keys.isalnum():
            return Question(text, keys.lower())
    raise ConfigError(f"item {number} of the playlist {path} is none ({json.dumps(entry)[:120]}): {_HELP}")


def _lasts(seconds: object) -> bool:
    """Whether it is a time that passes: JSON as Python reads it knows Infinity, and takes true for 1."""
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < math.inf


def _there(playlist: Path, name: str, number: int) -> Path:
    found = playlist.parent / name
    if not found.is_file():
        raise ConfigError(f"item {number} of the playlist {playlist} names {found}, which is not there")
    return found
