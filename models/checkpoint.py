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
    try:
        with filled_later():
            network = Network(load(record["config"]), tuple(record["channels"]))
        path = folder / Path(record["weights"]).name
        state = _read_weights(path, record["sha256"])
        name, split, metrics = str(record["name"]), record["split"], record["metrics"]
    except KeyError as error:
        raise WeightsError(f"{folder / RECORD} has no entry {error}: train or copy it anew") from None
    except ConfigError as error:
        raise WeightsError(f"{folder / RECORD} asks for what this version does not know: {error}") from error
    fill(network, state, str(path))
    return Checkpoint(network.eval(), name, split, metrics, record.get("versions", {}))


def own_weights(network: Network) -> dict[str, Tensor]:
    """Give the state dict without what is stored elsewhere."""
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
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read: {error}") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        found = record.get("format") if isinstance(record, dict) else None
        raise WeightsError(f"{path} has format {found!r}, this version reads {FORMAT}: update phosphene")
    return record


def _read_weights(path: Path, digest: str) -> dict[str, Tensor]:
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise WeightsError(f"{path} is not the file its record was written with: copy the folder anew")
        return safetensors.torch.load(data)
    except (OSError, safetensors.SafetensorError) as error:
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
