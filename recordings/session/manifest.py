"""The manifest of a recording: what was recorded where, with which versions, and check sums of the files."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from realtime.errors import SessionError
from realtime.types import EegInfo
from recordings.xdf.index import StreamInfo

MANIFEST_NAME = "manifest.json"
_PACKAGES = ("phosphene", "numpy", "scipy", "pylsl", "av", "opencv-python", "torch")


def begin_manifest(folder: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Say that a recording has begun: a manifest that never says `complete` tells of a crash.

    Returns what stands in it, for `end_manifest`.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    begun = {"complete": False, "begun": now, **_machine(), **content}
    _replace(folder, begun)
    return begun


def end_manifest(
    folder: Path, files: list[Path], begun: Mapping[str, Any], content: Mapping[str, Any]
) -> None:
    """Add the end of the recording, `content`, and size and SHA-256 of each file.

    The manifest is complete unless `content` says otherwise.
    """
    found = {
        file.name: {"bytes": file.stat().st_size, "sha256": sha256(file)} for file in files if file.exists()
    }
    ended = {"ended": datetime.now(UTC).isoformat(timespec="seconds"), "files": found, "complete": True}
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder, {**begun, **ended, **content})


def recorded_eeg(folder: Path) -> list[dict[str, Any]]:
    """Return what the manifest says of each EEG stream: its name, and what its channels were taken for."""
    try:
        manifest = json.loads((folder / MANIFEST_NAME).read_text("utf-8"))
        return [entry for entry in manifest.get("eeg", {}).values() if isinstance(entry, dict)]
    except (OSError, ValueError, AttributeError):
        return []


def is_recorded(stream: EegInfo | StreamInfo, taken: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a stream is one of those that `recorded_eeg` names."""
    here = (stream.name, stream.type, stream.source_id)
    return any((entry.get("name"), entry.get("type"), entry.get("source_id")) == here for entry in taken)


def as_recorded(info: EegInfo, taken: Sequence[Mapping[str, Any]]) -> EegInfo:
    """Return a stream with what its channels were taken for, such as the names of a montage."""
    keys = ("labels", "unit", "units", "kinds", "scales")
    for entry in taken:
        labels = entry.get("labels")
        if is_recorded(info, [entry]) and isinstance(labels, list) and len(labels) == info.n_channels:
            known: dict[str, Any] = {key: entry[key] for key in keys if key in entry}
            listed: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value for key, value in known.items()
            }
            return replace(info, **listed)
    return info


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Read a recording's manifest; None where there is none.

    Entries that are not of the kind that was written are left out: a reader finds each empty or whole.

    Raises
    ------
    SessionError
        It is no JSON, or none of ours.
    """
    path = folder / MANIFEST_NAME
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise SessionError(
            f"{path} cannot be read ({' '.join(str(error).split())[:200]}): it is left out"
        ) from None
    if not isinstance(found, dict):
        raise SessionError(f"{path} is no manifest: what it says is left out")
    manifest = {**found, "files": {}}
    for name in ("options", "model", "versions", "machine", "files"):
        entry = found.get(name)
        manifest[name] = entry if isinstance(entry, dict) else {}
    manifest["files"] = {k: one for k, one in manifest["files"].items() if isinstance(one, dict)}
    if not {"name", "weights", "backend"} <= set(manifest["model"]):
        manifest["model"] = {}
    entities = manifest["options"].get("entities")
    texts = entities.items() if isinstance(entities, dict) else ()
    manifest["options"]["entities"] = {k: one for k, one in texts if isinstance(one, str)}
    return manifest


def sha256(path: Path) -> str:
    """Check sum of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _machine() -> dict[str, Any]:
    return {
        "versions": {name: _version(name) for name in _PACKAGES if _version(name)},
        "machine": {
            "python": sys.version.split()[0],
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
        },
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _replace(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the manifest so that it is either the old one or the new one, whenever the power fails."""
    new = folder / f".{MANIFEST_NAME}.new"
    with open(new, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, folder / MANIFEST_NAME)
