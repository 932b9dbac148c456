"""What to call several sessions, and whether one of them was given twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from realtime.errors import SessionError
from recordings.session.session import XDF_NAME


def refuse_twice(paths: Sequence[Path], ids: Sequence[str]) -> None:
    """Raise where a recording is given twice: it would be learned from and judged at once.

    Raises
    ------
    SessionError
    """
    first: dict[str, Path] = {}
    for path, identity in zip(paths, ids, strict=True):
        if identity in first:
            raise SessionError(f"{first[identity]} and {path} are the same recording: give it once")
        first[identity] = path


def names_of(paths: Sequence[Path]) -> list[str]:
    """Say what to call sessions: the folder's name, with as many folders above it as tell them apart.

    A file with a name of its own (not `session.xdf`) goes by that.
    """
    parts = [
        (path.parent if path.name == XDF_NAME else path.with_suffix("") if path.is_file() else path)
        .resolve()
        .parts
        for path in paths
    ]
    names = ["/".join(part[-1:]) for part in parts]
    for n in range(2, max(map(len, parts)) + 1):
        if len(set(names)) == len(set(parts)):
            break
        both = list(zip(parts, names, strict=True))
        names = ["/".join(part[-n:]) if names.count(name) > 1 else name for part, name in both]
    return names
