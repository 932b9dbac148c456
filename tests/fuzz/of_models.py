"""The files around a model that are fuzzed: weights, records, configurations, embeddings and maps of cues."""

from __future__ import annotations

import io
import json
import shutil
from functools import lru_cache
from pathlib import Path

import numpy as np

from tests.fuzz.target import Target


def _safetensors(about: dict[str, object], arrays: dict[str, list[int]]) -> bytes:
    head: dict[str, object] = {"__metadata__": {"about": json.dumps(about)}}
    at = 0
    for name, shape in arrays.items():
        size = 4 * int(np.prod(shape))
        head[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + np.ones(at // 4, "<f4").tobytes()


def _linear_seeds(folder: Path) -> list[bytes]:
    from models.linear_model import FILE, LinearModel
    from realtime.config import GridConfig

    sides = [np.zeros(3), np.ones(3), np.ones((3, 2))]
    LinearModel("cca", ("Fz",), GridConfig(), True, *sides, *sides, np.ones(2) / 2, np.ones(2)).save(folder)
    about = {"name": "x", "labels": ["Fz"], "grid": {}, "lagged_film": True}
    return [(folder / FILE).read_bytes(), _safetensors(about, {"eeg_mean": [1]})]


def _read_linear(data: bytes, folder: Path) -> None:
    from models.linear_model import FILE, LinearModel

    (folder / FILE).write_bytes(data)
    LinearModel.load(folder)


def _demo() -> Path:
    import models.checkpoint

    return Path(models.checkpoint.__file__).parent / "weights" / "demo"


def _checkpoint_seeds(folder: Path) -> list[bytes]:
    return [(_demo() / "checkpoint.json").read_bytes()]


def _read_checkpoint(data: bytes, folder: Path) -> None:
    from models.checkpoint import load_checkpoint

    if not (folder / "m").exists():
        shutil.copytree(_demo(), folder / "m")
    (folder / "m" / "checkpoint.json").write_bytes(data)
    load_checkpoint(folder / "m")


def _config_seeds(folder: Path) -> list[bytes]:
    return [json.dumps(json.loads((_demo() / "checkpoint.json").read_bytes())["config"]).encode()]


def _read_config(data: bytes, folder: Path) -> None:
    from models.config import load
    from realtime.errors import ConfigError

    try:
        tree = json.loads(data)
    except (
        ValueError,
        RecursionError,
    ) as error:  # no business of `load`: see `checkpoint`
        raise ConfigError("no JSON") from error
    if not isinstance(tree, dict):
        raise ConfigError("no object")
    load(tree)


@lru_cache
def _clip(folder: Path) -> Path:
    from tests.support.checkpoints import write_checkpoint

    folder.mkdir()
    return write_checkpoint("clip", folder)


def _clip_seeds(name: str, folder: Path) -> list[bytes]:
    return [(_clip(folder / "clip") / name).read_bytes()]


def _read_clip(name: str, data: bytes, folder: Path) -> None:
    from models.network.vision.pretrained import PretrainedVisionConfig

    copy = folder / "clip"
    if not copy.exists():
        shutil.copytree(_clip(folder.parent / "seeds" / "clip"), copy)
    (copy / name).write_bytes(data)
    PretrainedVisionConfig(kind="clip", source=str(copy)).build((1, 1))


def _of_clip(name: str) -> Target:
    return Target(
        lambda folder: _clip_seeds(name, folder), lambda data, folder: _read_clip(name, data, folder), False
    )


def _embeddings_seeds(folder: Path) -> list[bytes]:
    found = []
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, stamps=np.arange(6) / 2.0, embeddings=np.ones((6, 4), np.float32))
        found.append(file.getvalue())
    return found


def _read_embeddings(data: bytes, folder: Path) -> None:
    from models.learning.data.teacher import _read

    (folder / "teacher.npz").write_bytes(data)
    _read(folder, "teacher.npz")


def _cues_seeds(folder: Path) -> list[bytes]:
    grid = {"target": {"rows": 4, "columns": 8, "seconds": 4.2}}
    boxes = {"cat": [0, 0, 0.5, 1], "rest": None, "dog": {"path": [[0.0, 0.1, 0.1, 0.3, 0.3]]}}
    return [json.dumps(grid).encode(), json.dumps(boxes).encode()]


def _read_cues(data: bytes, folder: Path) -> None:
    from models.learning.data.cues import Cues
    from recordings.session.session import Session
    from tests.support.small_session import write_small

    session = folder / "s"
    if not session.exists():
        write_small(session, seconds=1.0)
    (folder / "cues.json").write_bytes(data)
    with Session(session) as opened:
        Cues.of(opened, folder / "cues.json")


MODEL_TARGETS = {
    "linear": Target(_linear_seeds, _read_linear),
    "checkpoint": Target(_checkpoint_seeds, _read_checkpoint, False),
    "config": Target(_config_seeds, _read_config),
    "vision": _of_clip("config.json"),
    "preparation": _of_clip("preprocessor_config.json"),
    "embeddings": Target(_embeddings_seeds, _read_embeddings),
    "cues": Target(_cues_seeds, _read_cues),
}
