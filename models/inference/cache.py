"""Compiled files on disk: found again by everything they were made from, never trusted unread.

    3f0c9a17….pt2      what a backend wrote
    3f0c9a17….json     its SHA-256 and what is told of it; written last, so an entry is whole or not there
    3f0c9a17….given-up in place of both: why it could not be built, or is not equal

    3f0c9a17….given-up in place of both: why it could not be built, or is not equal
name holds every version it was tried with.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache as remember
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

COMPILED_HOME = "PHOSPHENE_COMPILED"  # environment variable that moves the folder
FORMAT = 1  # raised when what is written here changes its meaning
_LIMIT_BYTES = 4 * 2**30  # the entries used last are kept, up to this
_PLAIN = (bool, int, float, str, bytes, tuple, type(None))


def compiled_folder() -> Path:
    """Where compiled files are kept; a temporary folder where nothing can be written there."""
    folder = Path(
        os.environ.get(COMPILED_HOME) or Path.home() / ".cache" / "phosphene" / "compiled"
    ).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="phosphene-compiled-"))


@dataclass(frozen=True)
class Entry:
    """One compiled file and what is remembered of it."""

    path: Path
    record: Path

    def read(self) -> dict[str, Any] | None:
        """Give what was told of the file, or None (and nothing left of it) where it is missing or damaged."""
        try:
            told: dict[str, Any] = json.loads(self.record.read_text(encoding="utf-8"))
            if told["sha256"] == digest_file(self.path):
                os.utime(self.path)  # used now
                return told
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self.remove()
        return None

    def write(self, told: Mapping[str, Any]) -> None:
        """Say what the file at `path` is. Its builder has written it."""
        text = json.dumps({"sha256": digest_file(self.path), **told}, indent=2)
        unfinished = self.record.with_suffix(f".{os.getpid()}.tmp")
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, self.record)
        prune(self.path.parent)

    @property
    def given_up(self) -> str:
        """Why an earlier start gave it up; empty where none did."""
        try:
            return self._mark.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def give_up(self, reason: str) -> None:
        """Have no later start try again to build this, for the same versions."""
        self.remove()
        self._mark.write_text(reason, encoding="utf-8")

    @property
    def _mark(self) -> Path:
        return self.record.with_suffix(".given-up")

    def remove(self) -> None:
        """Delete the files, as far as they are there."""
        for path in (self.record, self.path):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def entry(folder: Path, key: str, suffix: str) -> Entry:
    """Name the files of a key in a folder."""
    return Entry(folder / f"{key}{suffix}", folder / f"{key}.json")


def prune(folder: Path, limit_bytes: int = _LIMIT_BYTES) -> None:
    """Remove the files that were used longest ago until the rest is within the limit."""
    kept = (".json", ".given-up")
    files = [path for path in folder.iterdir() if path.is_file() and path.suffix not in kept]
    room = limit_bytes
    for path in sorted(files, key=lambda p: p.stat().st_mtime, reverse=True):
        room -= path.stat().st_size
        if room < 0:
            Entry(path, path.with_suffix(".json")).remove()


def key_of(identity: str, **more: object) -> str:
    """Give the name of a file made from what has this identity, and from `more`: 32 hex digits."""
    return hashlib.sha256(f"{identity} {sorted(more.items())}".encode()).hexdigest()[:32]


def identity_of(module: nn.Module, inputs: Iterable[Tensor]) -> str:
    """Give a digest of a module and its inputs.

    It changes with the weights, the structure, the source the structure is written in, the shapes, and the
    version of torch.
    """
    hashed = hashlib.sha256(f"{FORMAT} {torch.__version__} {sys.version_info[:2]}\n".encode())
    hashed.update(f"{_structure(module)}\n".encode())
    hashed.update("".join(source_digest(file) for file in _sources(module)).encode())
    for part in inputs:
        hashed.update(f"{tuple(part.shape)} {part.dtype}\n".encode())
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        hashed.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        hashed.update(_bytes(value))
    return hashed.hexdigest()


def digest_arrays(arrays: Iterable[np.ndarray]) -> str:
    """SHA-256 over arrays: of the pictures a calibration saw, for instance."""
    hashed = hashlib.sha256()
    for array in arrays:
        hashed.update(f"{array.shape} {array.dtype}\n".encode())
        hashed.update(np.ascontiguousarray(array).data)
    return hashed.hexdigest()


def digest_file(path: Path) -> str:
    """Digest a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@remember
def source_digest(file: str) -> str:
    """Digest a source file's bytes."""
    return digest_file(Path(file))


def _bytes(value: Tensor) -> Any:
    return value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data


def _structure(module: nn.Module) -> str:
    """Every submodule with its class and its plain attributes: a width, a rate, a switch."""
    lines = []
    for name, part in module.named_modules():
        plain = {k: v for k, v in vars(part).items() if isinstance(v, _PLAIN) and not k.startswith("_")}
        lines.append(f"{name} {type(part).__qualname__} {part.extra_repr()} {sorted(plain.items())}")
    return "\n".join(lines)


def _sources(module: nn.Module) -> list[str]:
    """Give the files that say what the module does: those of its classes, and all that stand beside them.

    torch's own are told by its version.
    """
    classes = {type(part) for part in module.modules()}
    own = {kind for kind in classes if not kind.__module__.startswith("torch.")}
    files = {Path(inspect.getfile(kind)).resolve() for kind in own if kind.__module__ in sys.modules}
    beside = {other for file in files for other in file.parent.glob("*.py")}
    return sorted(str(file) for file in files | beside)
