"""Where published weights are found: a path, the weights folder, or the Hugging Face hub, in this order.

Nothing that is read here is ever unpickled: `.pth` and `.bin` files go through `weights_only=True`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from realtime.errors import WeightsError

WEIGHTS_HOME = "PHOSPHENE_WEIGHTS"  # environment variable that moves the weights folder
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_POINTER = b"version https://git-lfs"
_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")


_FILLED_LATER: ContextVar[bool] = ContextVar("filled_later", default=False)


@contextmanager
def filled_later() -> Iterator[None]:
    """Inside, networks that were trained further are built without their published start.

    A checkpoint holds all their weights, so loading it must not ask for the published ones again.
    """
    token = _FILLED_LATER.set(True)
    try:
        yield
    finally:
        _FILLED_LATER.reset(token)


def start_of(weights: str | None, frozen: bool) -> str | None:
    """Find the published weights to start from; None where a checkpoint is about to fill them."""
    return None if _FILLED_LATER.get() and not frozen else weights


def weights_folder(name: str = "") -> Path:
    """Name the folder where the weights called `name` (a hub id) are looked for before the hub is asked."""
    home = os.environ.get(WEIGHTS_HOME) or Path.home() / ".cache" / "phosphene" / "weights"
    return Path(home).expanduser() / name


def local_weights(name: str) -> Path | None:
    """Find the file or folder here that `name` means: a path, or a hub id in the weights folder."""
    for path in (Path(name).expanduser(), weights_folder(name)):
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            return _snapshot(path)
    return None


def _snapshot(path: Path) -> Path:
    """Give the files themselves, where `path` is a folder of the hub's cache (`models--owner--name`)."""
    snapshots = path / "snapshots"
    if not snapshots.is_dir():
        return path
    main = path / "refs" / "main"
    if main.is_file() and (found := snapshots / main.read_text("utf-8").strip()).is_dir():
        return found
    there = sorted((p for p in snapshots.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    return there[-1] if there else path


def refuse_pointers(path: Path) -> None:
    """Raise `WeightsError` where a file of weights, or one in a folder, is Git LFS's pointer to it."""
    files = [path] if path.is_file() else [p for p in path.glob("*") if p.suffix in _SUFFIXES]
    for file in files:
        with open(file, "rb") as opened:
            if opened.read(len(_POINTER)) == _POINTER:
                raise WeightsError(
                    f"{file} is only Git LFS's pointer to the weights: fetch them with `git lfs pull`, or "
                    "download the file itself"
                )


def not_here(what: str, name: str, hub_ids: Sequence[str], cause: object = "") -> WeightsError:
    """Give the one error for weights that are neither on this machine nor within reach.

    Parameters
    ----------
    what : str
        The network, as the user knows it.
    name : str
        What was asked for.
    hub_ids : sequence of str
        Where it is published; the first one is put into the command.
    cause : object
        Why the hub did not help, in its own words (its first line is kept).
    """
    hub_id = name if _HUB_ID.fullmatch(name) else hub_ids[0]
    folder = weights_folder(hub_id)
    why = str(cause).strip().splitlines()
    reason = f" The hub did not give them: {why[0]}" if why else ""
    return WeightsError(
        f"The weights of {what} ({name!r}) are not on this machine.{reason} "
        f"Put the files of hub id {' or '.join(dict.fromkeys((hub_id, *hub_ids)))} into {folder}, "
        f"for example with:  hf download {hub_id} --local-dir {folder}"
    )


def fetch_file(what: str, name: str, filenames: Sequence[str], hub_ids: Sequence[str]) -> Path:
    """One weights file by path, folder or hub id; downloaded once where the hub can be reached.

    Raises
    ------
    WeightsError
        If it is nowhere to be had, or a folder holds none of `filenames` and no other single weights file.
    """
    local = local_weights(name)
    if local is not None:
        return local if local.is_file() else _file_in(local, what, filenames)
    if not _HUB_ID.fullmatch(name):
        raise not_here(what, name, hub_ids)
    from huggingface_hub import hf_hub_download  # only here: the import takes a while

    cause: Exception | None = None
    for filename in filenames:
        try:
            return Path(hf_hub_download(name, filename))
        except (OSError, ValueError) as error:  # offline, unknown, private and missing are all one of these
            cause = error
    raise not_here(what, name, hub_ids, cause) from cause


def fetch_folder(what: str, name: str, hub_ids: Sequence[str]) -> Path:
    """Give a folder with a network's settings and weights by path or hub id; downloaded once.

    Raises
    ------
    WeightsError
        If it is nowhere to be had.
    """
    local = local_weights(name)
    if local is not None and local.is_dir():
        return local
    if not _HUB_ID.fullmatch(name):
        raise not_here(what, name, hub_ids)
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, allow_patterns=["*.json", "model*.safetensors"]))
        if not any(folder.glob("model*.safetensors")):
            folder = Path(snapshot_download(name, allow_patterns=["*.json", "pytorch_model*.bin"]))
    except (OSError, ValueError) as error:
        raise not_here(what, name, hub_ids, error) from error
    return folder


def _file_in(folder: Path, what: str, filenames: Sequence[str]) -> Path:
    for filename in filenames:
        if (folder / filename).is_file():
            return folder / filename
    found = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES)
    if len(found) == 1:
        return found[0]
    raise WeightsError(
        f"{folder} holds {'no' if not found else 'more than one'} file of weights for {what}: "
        f"put {' or '.join(filenames)} there, or name the file itself."
    )


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read tensors, of any shape, by name from `.safetensors` or a torch file that holds nothing else.

    Raises
    ------
    WeightsError
        If the file cannot be read, or would have to be unpickled.
    """
    refuse_pointers(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise a dozen kinds for a file that is not theirs
        raise WeightsError(f"{path} cannot be read as weights ({str(error).splitlines()[0]}).") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(
            f"{path} is no plain state dict of tensors; write it with torch.save(m.state_dict(), …)."
        )
    return state


def load_strictly(network: nn.Module, state: dict[str, Tensor], source: object) -> None:
    """Load `state` into `network`; every name and shape must agree.

    Raises
    ------
    WeightsError
        That names what is missing, what is unknown and what has another shape.
    """
    problems = differences(network.state_dict(), state)
    if problems:
        raise WeightsError(f"The weights in {source} do not fit {type(network).__name__}: {problems}.")
    network.load_state_dict(state)


def differences(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], most: int = 5) -> str:
    """Say how two state dicts differ in names and shapes, and what is not finite; empty where they agree."""
    problems = [f"{name} is missing" for name in wanted if name not in found]
    problems += [f"{name} is not part of it" for name in found if name not in wanted]
    both = [name for name in wanted if name in found]
    problems += [
        f"{name} is {tuple(found[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in both
        if found[name].shape != wanted[name].shape
    ]
    problems += [f"{name} is not finite" for name in both if not torch.isfinite(found[name]).all()]
    more = f" and {len(problems) - most} more" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more
