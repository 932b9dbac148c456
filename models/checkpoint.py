"""Trained networks on disk: safetensors and JSON in a folder. Nothing is ever unpickled.

    checkpoint.json                 configuration, electrodes, split, metrics, versions, the weights' file
    weights-3f0c9a17.safetensors    named by what is in it

The JSON is written last and names its weights, so a folder is always one whole checkpoint: the one before, or
the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from models.config import load
from models.network.hub import differences, filled_later
from models.network.network import Network
from realtime.errors import ConfigError, WeightsError

FORMAT = 1
RECORD = "checkpoint.json"
_ENTRIES: dict[str, type] = {
    "config": dict, "channels": list, "weights": str, "sha256": str, "name": str, "split": dict,
    "metrics": dict,
}  # fmt: skip
_DUE: dict[type, str] = {dict: "an object", list: "a list", str: "a text"}
_LARGEST_SETTING = 1e5


@dataclass(frozen=True)
class Checkpoint:
    """A network with its record.

    Attributes
    ----------
    name : str
        What the weights are called.
    split : mapping
        What was trained, validated and tested on, as the training told it.
    metrics : mapping
        Results on that split.
    versions : mapping of str to str
        Of the packages that wrote it.
    """

    network: Network
    name: str
    split: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def save_checkpoint(
    folder: str | Path,
    network: Network,
    name: str,
    split: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
) -> Path:
    """Write a network to `folder`, whole or not at all; gives the folder.

    Weights that come from elsewhere and were not trained (a frozen published vision model) are left out.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    data = safetensors.torch.save(own_weights(network))
    digest = hashlib.sha256(data).hexdigest()
    weights = f"weights-{digest[:8]}.safetensors"
    record = {
        "format": FORMAT,
        "name": name,
        "config": network.config.model_dump(mode="json"),
        "channels": list(network.labels),
        "split": dict(split or {}),
        "metrics": dict(metrics or {}),
        "versions": {package: _version(package) for package in ("phosphene", "torch")},
        "weights": weights,
        "sha256": digest,
    }
    _write(folder / weights, data)
    _write(folder / RECORD, json.dumps(record, indent=2, allow_nan=False).encode())
    for old in folder.glob("weights-*.safetensors"):
        if old.name != weights:
            old.unlink()
    return folder


def load_checkpoint(folder: str | Path) -> Checkpoint:
    """Build the network a folder holds and fill it with its weights.

    Raises
    ------
    WeightsError
        No checkpoint there, a damaged one, one of another format, or weights that do not fit.
    """
    folder = Path(folder)
    record = _read_record(folder)
    where = folder / RECORD
    try:
        with filled_later():
            network = Network(load(record["config"]), tuple(record["channels"]))
    except ConfigError as error:
        raise WeightsError(f"{where} asks for what this version does not know: {error}") from error
    except (TypeError, ValueError, RuntimeError, OverflowError, MemoryError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"{where}: no network can be built of its config ({reason}): copy it again"
        ) from error
    path = folder / Path(record["weights"]).name
    state = _read_weights(path, record["sha256"])
    name, split, metrics = record["name"], record["split"], record["metrics"]
    fill(network, state, str(path))
    return Checkpoint(network.eval(), name, split, metrics, record.get("versions", {}))


def own_weights(network: Network) -> dict[str, Tensor]:
    """Give the state dict, tensors of their own shapes by name, without what is stored elsewhere."""
    elsewhere = tuple(
        f"{name}." for name, module in network.named_modules() if getattr(module, "stored_elsewhere", False)
    )
    state = network.state_dict()
    return {name: value.cpu().contiguous() for name, value in state.items() if not name.startswith(elsewhere)}


def fill(network: Network, state: Mapping[str, Tensor], source: str) -> None:
    """Copy `state` into the network, strictly: the same names, the same shapes, finite values.

    Raises
    ------
    WeightsError
        With the names and shapes that differ.
    """
    problems = differences(own_weights(network), state)
    if problems:
        raise WeightsError(
            f"{source} does not fit the network: {problems}. Use the configuration it was trained with."
        )
    network.load_state_dict(dict(state), strict=False)


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(
            f"{folder} holds no {RECORD}: name a folder that `phosphene train` wrote"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(record, dict):
        raise WeightsError(f"{path} holds a {type(record).__name__}, no record: train or copy it again")
    _check_record(record, path)
    return record


def _check_record(record: dict[str, Any], path: Path) -> None:
    """Raise `WeightsError`, with entry and value, where the record is not what `save_checkpoint` writes."""
    found = record.get("format")
    if found != FORMAT or isinstance(found, bool):
        newer = isinstance(found, int) and found > FORMAT
        what = "update phosphene" if newer else "it was not written by phosphene, or has changed"
        raise WeightsError(f"{path} has format {found!r}, this version reads {FORMAT}: {what}")
    for name, kind in _ENTRIES.items():
        if name not in record:
            raise WeightsError(f"{path} has no entry {name!r}: train or copy it again")
        if not isinstance(record[name], kind) or (not record[name] and kind in (str, list)):
            raise WeightsError(f"{path}: {name} = {record[name]!r}: {_DUE[kind]} is due. Copy it again")
    labels = record["channels"]
    if not all(isinstance(label, str) and label for label in labels) or len(set(labels)) < len(labels):
        raise WeightsError(f"{path}: channels = {labels!r}: different names are due. Copy it again")
    if beyond := _beyond_reason(record["config"], "config"):
        raise WeightsError(f"{path}: {beyond} is beyond what any network has: copy it again")


def _beyond_reason(value: Any, place: str) -> str:
    """Give the first entry that is no number, or a larger one than any setting; empty where there is none."""
    if isinstance(value, dict):
        return next(filter(None, (_beyond_reason(one, f"{place}.{key}") for key, one in value.items())), "")
    if isinstance(value, list):
        return next(filter(None, (_beyond_reason(one, f"{place}[{k}]") for k, one in enumerate(value))), "")
    if isinstance(value, int | float) and not abs(value) <= _LARGEST_SETTING:
        return f"{place} = {value!r}"
    return ""


def _read_weights(path: Path, digest: str) -> dict[str, Tensor]:
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise WeightsError(f"{path} is not the file its record was written with: copy the folder again")
        return safetensors.torch.load(data)
    except (OSError, ValueError, safetensors.SafetensorError) as error:  # ValueError: no name a file can have
        raise WeightsError(f"{path} cannot be read: {error}") from error


def _write(path: Path, data: bytes) -> None:
    """Write beside the target, bring it to the disk, then move it into place."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
