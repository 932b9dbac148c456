"""Where a model comes from: each training that made it, with its sessions, so that they can be found again.

checkpoint.json: metrics.ancestry = [oldest, …, the training that wrote it]
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.checkpoint import Checkpoint
from models.learning.data.cache import content_id
from models.learning.data.dataset import Recordings
from realtime.errors import PhospheneError
from recordings.session.naming import subject_of
from recordings.session.session import Session

Generation = dict[str, Any]
KEY = "ancestry"


def generation(recordings: Recordings, n: int, out: Path, how: str, **more: Any) -> Generation:
    """Say what a training learned from: the first `n` sessions, found from the folder it writes to.

    Parameters
    ----------
    how : str
        In a few words: fresh, same person, new person …
    more
        Further entries, such as `steps`.
    """
    sessions = [
        {
            "name": recordings.names[i],
            "id": recordings.ids[i],
            "path": _from(out, recordings.paths[i]),
            "subject": subject_of(recordings.paths[i]),
        }
        for i in range(n)
    ]
    minutes = recordings.minutes(recordings.spans()[:n])
    return {
        "name": out.resolve().name,
        "how": how,
        "minutes": round(minutes, 2),
        "channels": list(recordings.labels),
        "sessions": sessions,
        **more,
    }


def ancestry_of(checkpoint: Checkpoint) -> list[Generation]:
    """Return the trainings behind a checkpoint, the oldest first; empty for one that does not say."""
    found = checkpoint.metrics.get(KEY)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def still_there(folder: Path, generations: Sequence[Generation], but: Sequence[str] = ()) -> list[Path]:
    """Find the sessions of all trainings that can still be read, unchanged.

    Parameters
    ----------
    folder : Path
        Of the checkpoint.
    but : sequence of str
        Contents (`Recordings.ids`) that are left out.
    """
    found: dict[str, Path] = {}
    for session in (one for each in generations for one in each.get("sessions", ())):
        path = _existing(folder, session)
        if path is not None and session["id"] not in but:
            found.setdefault(session["id"], path)
    return list(found.values())


def seen_from(out: Path, folder: Path, generations: Sequence[Generation]) -> list[Generation]:
    """Return trainings whose sessions were found from one folder, found from another."""
    return [
        {
            **each,
            "sessions": [
                {**one, "path": _from(out, folder / one["path"])} if "path" in one else one
                for one in each.get("sessions", ())
            ],
        }
        for each in generations
    ]


def subjects(generations: Sequence[Generation]) -> set[str]:
    """Names of all people in them, as far as they are known."""
    return {one.get("subject", "") for each in generations for one in each.get("sessions", ())} - {""}


def _existing(folder: Path, session: Mapping[str, Any]) -> Path | None:
    """Return the path of a session that is there and whose content is what it was."""
    try:
        path = folder / session["path"]
        with Session(path) as opened:
            return path if content_id(opened.path) == session["id"] else None
    except (PhospheneError, OSError, KeyError, TypeError, ValueError):
        return None


def _from(folder: Path, path: Path) -> str:
    """Return a path as seen from a folder: both may be moved together."""
    try:
        return os.path.relpath(path.resolve(), folder.resolve())
    except ValueError:  # another drive
        return str(path.resolve())
