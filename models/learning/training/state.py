"""What a killed training goes on from: one file, whole or not there."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from realtime.errors import WeightsError


def save_state(
    path: Path, arrays: Mapping[str, Any], optimizer: Mapping[str, Any], facts: Mapping[str, Any]
) -> None:
    """Write beside the file, bring it to the disk, then move it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}-{os.getpid()}")
    with work.open("wb") as file:
        torch.save({"arrays": dict(arrays), "optimizer": dict(optimizer), "facts": dict(facts)}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(work, path)


def load_state(
    path: Path, identity: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Read what `save_state` wrote; nothing but arrays and plain values is unpickled.

    Raises
    ------
    WeightsError
        The file is damaged, or belongs to a training that differs in `identity`.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        arrays, optimizer, facts = state["arrays"], state["optimizer"], state["facts"]
    except (OSError, RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as failure:
        raise WeightsError(f"{path} cannot be gone on from ({failure}): remove it to begin anew") from failure
    before = facts["identity"]
    changed = [name for name, value in identity.items() if before.get(name) != value]
    if changed:
        raise WeightsError(
            f"{path} belongs to a training with another {', '.join(changed)}: go on with the same, or "
            f"remove the file to begin anew"
        )
    return arrays, optimizer, facts
