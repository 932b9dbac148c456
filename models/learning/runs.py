"""Trained models in folders: when, of whom, from how much, how good, from what. Reads JSON alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

RECORD, STATE, JUDGED = "checkpoint.json", "training.state", "evaluation.json"
_DEPTH = 3  # folders below the one that was named


@dataclass(frozen=True)
class ModelRun:
    """One model, or a training that has not ended; what is not known is empty.

    Attributes
    ----------
    date : str
        When it was written, local time.
    subject : str
        Whose sessions were learned from.
    minutes : float or None
        Of data learned from, the held-out blocks included.
    state : str
        How the training ended: `finished`, `early`, `interrupted`, or `killed` where there is no model yet.
    held_out : float or None
        2-way accuracy on what was held out, at the step that was kept.
    judged : str
        What `evaluation.json` in the folder says, where there is one: of 2, with its interval and in words.
    ancestry : list of str
        The models it was continued from, the oldest first.
    """

    folder: Path
    date: str
    subject: str = ""
    minutes: float | None = None
    steps: int | None = None
    state: str = ""
    held_out: float | None = None
    judged: str = ""
    ancestry: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {**asdict(self), "folder": str(self.folder), "ancestry": list(self.ancestry)}


def runs_in(folders: Sequence[Path]) -> list[ModelRun]:
    """Find all models and unfinished trainings in folders and up to three below, the newest first."""
    found = {folder.resolve(): folder for root in folders for folder in _below(root, _DEPTH)}
    runs = [_run(folder) for folder in found.values()]
    return sorted(runs, key=lambda run: run.date, reverse=True)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / RECORD).is_file() or any(folder.glob(f"{STATE}*")):
        yield folder
    elif depth and folder.is_dir():
        for child in sorted(folder.iterdir()):
            if child.is_dir() and not child.name.startswith("."):
                yield from _below(child, depth - 1)


def _run(folder: Path) -> ModelRun:
    path = folder / RECORD
    if not path.is_file():
        return ModelRun(folder, _date(max(folder.glob(f"{STATE}*"))), state="killed")
    record = _read(path)
    metrics, split = _table(record.get("metrics")), _table(record.get("split"))
    training, ancestry = _table(metrics.get("training")), metrics.get("ancestry")
    generations = [one for one in ancestry if isinstance(one, dict)] if isinstance(ancestry, list) else []
    stretches = [_table(one) for part in ("train", "validation") for one in _list(split.get(part))]
    seconds = sum(_number(one.get("to_s")) - _number(one.get("from_s")) for one in stretches)
    return ModelRun(
        folder,
        _date(path),
        _subject(record, generations, stretches),
        round(seconds / 60, 2) if stretches else None,
        training.get("steps"),
        str(training.get("reason", "")),
        _held_out(training),
        _judged(_read(folder / JUDGED)),
        [str(one.get("name", "?")) for one in generations[:-1]],
    )


def _subject(
    record: Mapping[str, Any],
    generations: Sequence[Mapping[str, Any]],
    stretches: Sequence[Mapping[str, Any]],
) -> str:
    """Say whose sessions they were: by the ancestry, else by the layers, else by the folders' names."""
    sessions = [_table(one) for each in generations[-1:] for one in _list(each.get("sessions"))]
    named = {str(one.get("subject", "")) for one in sessions}
    named |= {str(one) for one in _list(_table(_table(record.get("config")).get("eeg")).get("people"))}
    if not named - {""}:
        names = "/".join(str(one.get("session", "")) for one in stretches)
        named = {part[4:].partition("_")[0] for part in names.split("/") if part.startswith("sub-")}
    return ", ".join(sorted(named - {""}))


def _held_out(training: Mapping[str, Any]) -> float | None:
    """Accuracy at the look whose weights were kept."""
    looks = [_table(one) for one in _list(training.get("history"))]
    kept = [one.get("similarity") for one in looks if one.get("step") == training.get("best_step")]
    return round(_number(kept[-1]), 4) if kept else None


def _judged(found: Mapping[str, Any]) -> str:
    if "two_way" not in found:
        return ""
    low, high = (_number(end) for end in (found.get("two_way_ci") or (0.0, 1.0)))
    words = f" {found['verdict']}" if found.get("verdict") else ""
    return f"{_number(found['two_way']):.3f} [{low:.3f}, {high:.3f}]{words}"


def _read(path: Path) -> dict[str, Any]:
    """Read a table; an empty one where the file is not there, or damaged."""
    try:
        return _table(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _date(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
