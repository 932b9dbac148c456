"""The linear models that learned from the very sessions a network did, kept beside it to judge it against."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from models.learning.banded import Banded
from models.learning.linear import Cca, Ridge, Scorer, Standard
from models.learning.responses import Responses
from realtime.errors import WeightsError

FILE = "baselines.safetensors"
KINDS: Mapping[str, Any] = {
    "ridge": Ridge, "banded": Banded, "cca": Cca, "responses": Responses, "mne": Ridge,
}  # fmt: skip


def save_models(folder: Path, models: Mapping[str, Scorer]) -> Path:
    """Write what `LinearModels.fit` gave to a folder; gives the file."""
    arrays = {f"{kind}/{name}": array for kind, model in models.items() for name, array in _arrays(model)}
    path = folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.numpy.save_file(arrays, path)
    return path


def load_models(folder: Path) -> dict[str, Scorer]:
    """Those in a folder; none where it holds none.

    Raises
    ------
    WeightsError
        The file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        arrays = safetensors.numpy.load_file(path)
        kinds = {name.partition("/")[0] for name in arrays}
        return {k: _built(part, _within(arrays, f"{k}/")) for k, part in KINDS.items() if k in kinds}
    except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as failure:
        raise WeightsError(f"{path} holds no linear models ({failure}): train again") from failure


def _arrays(model: Any, before: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Every number of a dataclass by its name, those of parts by `part.name`."""
    for field in dataclasses.fields(model):
        value = getattr(model, field.name)
        if dataclasses.is_dataclass(value):
            yield from _arrays(value, f"{before}{field.name}.")
        else:
            yield before + field.name, np.array(value, order="C")


def _within(arrays: Mapping[str, NDArray[Any]], before: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(before): array for name, array in arrays.items() if name.startswith(before)}


def _built(kind: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    parts = {}
    for field in dataclasses.fields(kind):
        if field.type == "Standard":
            parts[field.name] = _built(Standard, _within(arrays, f"{field.name}."))
        elif field.type == "Floats":
            parts[field.name] = arrays[field.name]
        else:
            value = arrays[field.name].tolist()
            parts[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**parts)
