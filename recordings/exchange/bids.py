"""Sessions as runs of a BIDS data set: EEG by mne-bids, videos among the stimuli."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import itertools
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from realtime.errors import ConfigError, SessionError
from recordings.exchange.exporting import FILM, raw_of, videos_of
from recordings.exchange.extras import need
from recordings.session.manifest import read_manifest
from recordings.session.regular import Regular, regular
from recordings.session.session import Session
from recordings.session.tracks import VideoTrack

_DEFAULTS = {"sub": "01", "task": "watch"}
_SOURCE = "SourceRecordingSHA256"  # in a run's description: which recording it was made of
_NONE = "n/a"  # BIDS' word for no value
_STIM_FILE = {"Description": "The video in stimuli/ that was shown, or taken, from this event on."}


def export_bids(
    session: Session,
    root: str | Path,
    entities: Mapping[str, str] | None = None,
    eeg: str | None = None,
    unit: str | None = None,
    video: bool = True,
) -> Path:
    """Add a session to a BIDS data set: its EEG as BrainVision in single precision, markers as events.

    Each video goes into `stimuli/`, with a table of its frames: number in the file, and onset in seconds
    since the first sample. In `events.tsv` the column `stim_file` names it where it begins.

    Parameters
    ----------
    root : str or Path
        The data set, made if it is not there.
    entities : mapping of str to str
        `sub`, `ses`, `task` and `run`; what is left out is taken from the session's manifest, then from its
        folder's name, else sub-01 and task-watch. Where no run is known and there is a recording of this name
        already, the next free number is taken, from 02 on, unless one of them is this very recording.
    eeg, unit : str, optional
        As for `recordings.exchange.exporting.to_raw`.
    video : bool
        Whether to copy the videos too.

    Returns
    -------
    Path
        The recording's header file.

    Raises
    ------
    ConfigError
        mne-bids or pybv is not installed, or an entity is not of letters and digits.
    SessionError
        This run, or this recording, is in the data set already, or it cannot be written; and as `to_raw`.
    """
    mne_bids = need("mne_bids", "bids", "writing BIDS")
    need("pybv", "bids", "writing BIDS")
    chosen = {**_DEFAULTS, **_from_name(session.name), **entities_of(session), **(entities or {})}
    track = session.eeg(eeg)
    laid_out = regular(track)
    source = _digest(session.path)
    target = _free_target(mne_bids, Path(root), chosen, source)
    raw = raw_of(session, track, laid_out, unit)
    raw.annotations.description = np.array([_in_one_cell(text) for text in raw.annotations.description])
    try:
        mne_bids.write_raw_bids(raw, target, format="BrainVision", allow_preload=True, verbose="ERROR")
        # mne-bids concludes from the format that the maker of BrainVision built the headset
        _say(mne_bids, target, "eeg", {"Manufacturer": _NONE, _SOURCE: source})
        for film in videos_of(session) if video else []:
            _say(mne_bids, target, "events", {"stim_file": _STIM_FILE})
            _add_video(film, target, laid_out)
    except FileExistsError:
        raise SessionError(
            f"{target.fpath} is there already and is never overwritten: take another run"
        ) from None
    except OSError as error:
        raise SessionError(f"{root} cannot be written ({error}): check folder and disk") from error
    return Path(target.fpath)


def _in_one_cell(text: str) -> str:
    """Give a text as it may stand in a table whose rows end with lines: mne-bids writes it as it is."""
    return " ".join(text.split()) or _NONE


def _free_target(mne_bids: Any, root: Path, chosen: Mapping[str, str], source: str) -> Any:
    """Choose the run a session becomes: the one it is to be, or the next that is free.

    Raises
    ------
    SessionError
        Where no run is asked for and this very recording is one of them already.
    """
    target = _target(mne_bids, root, chosen)
    if "run" in chosen:
        return target
    taken = []
    for run in itertools.count(2):
        if not Path(target.fpath).exists():
            break
        taken.append(target)
        target = _target(mne_bids, root, {**chosen, "run": f"{run:02d}"})
    for known in taken:
        if _said(known).get(_SOURCE) == source:
            raise SessionError(
                f"{known.fpath} is this recording already. To have it there twice, name another run, for "
                f"example --run {len(taken) + 1}"
            )
    return target


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _said(target: Any) -> dict[str, Any]:
    """Read the description of a run's EEG; empty where it cannot be read."""
    sidecar = Path(target.copy().update(suffix="eeg", extension=".json").fpath)
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(sidecar.read_text(encoding="utf-8-sig"))
        return found if isinstance(found, dict) else {}
    return {}


def _target(mne_bids: Any, root: Path, chosen: Mapping[str, str]) -> Any:
    try:
        return mne_bids.BIDSPath(
            subject=chosen["sub"], session=chosen.get("ses"), task=chosen["task"], run=chosen.get("run"),
            root=root, datatype="eeg", suffix="eeg", extension=".vhdr",
        )  # fmt: skip
    except ValueError as error:
        raise ConfigError(f"{dict(chosen)}: {error}") from None


def _from_name(folder: str) -> dict[str, str]:
    """Give the entities of a folder that is named after BIDS, as `phosphene record` names them."""
    return dict(re.findall(r"(?:^|_)(sub|ses|task|run)-([A-Za-z0-9]+)(?=_|$)", folder))


def entities_of(session: Session) -> dict[str, str]:
    """Return whose and which recording it is, as far as its manifest says."""
    with contextlib.suppress(SessionError):
        manifest = read_manifest(session.folder) or {}
        return dict(manifest.get("options", {}).get("entities", {}))
    return {}


def _say(mne_bids: Any, target: Any, of: str, entries: dict[str, Any]) -> None:
    """Enter something into the description of a run's file."""
    sidecar = target.copy().update(suffix=of, extension=".json")
    mne_bids.update_sidecar_json(sidecar, entries, verbose="ERROR")


def _add_video(film: VideoTrack, target: Any, laid_out: Regular) -> None:
    """Copy a video to the stimuli, say when each frame was shown, and name it among the events."""
    stimuli = Path(target.root) / "stimuli"
    stimuli.mkdir(exist_ok=True)
    name = f"{target.basename.removesuffix('_eeg.vhdr')}_{film.path.name}"
    shutil.copyfile(film.path, stimuli / name)
    onsets = [f"{onset:.6f}" for onset in laid_out.onsets(film.times).tolist()]
    rows = zip(film.frame_index.tolist(), onsets, strict=True)
    _write_table(stimuli / f"{name}_frames.tsv", [["frame", "onset"], *map(list, rows)])
    events = Path(target.copy().update(suffix="events", extension=".tsv").fpath)
    _name_stimulus(events, FILM + film.path.name, name)


def _name_stimulus(events: Path, event: str, file: str) -> None:
    with open(events, newline="", encoding="utf-8-sig") as table:
        header, *rows = csv.reader(table, delimiter="\t")
    if "stim_file" not in header:
        header, rows = [*header, "stim_file"], [[*row, _NONE] for row in rows]
    kind, where = header.index("trial_type"), header.index("stim_file")
    for row in rows:
        if row[kind] == event:
            row[where] = file
    _write_table(events, [header, *rows])


def _write_table(path: Path, rows: list[list[Any]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as table:
        csv.writer(table, delimiter="\t", lineterminator="\n").writerows(rows)
