"""Folders and files of weights with one thing damaged: one line that names it, never another exception."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import models.checkpoint
from models.checkpoint import load_checkpoint
from models.network.hub import local_weights, read_state_dict
from models.network.vision.pretrained import PretrainedVisionConfig
from models.network.vision.published import Preprocessing
from realtime.errors import WeightsError
from tests.support.checkpoints import write_checkpoint

DEMO = Path(models.checkpoint.__file__).parent / "weights" / "demo"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint("clip", tmp_path_factory.mktemp("clip"))


def features(folder: Path, kind: str = "clip") -> torch.Tensor:
    encoder: Any = PretrainedVisionConfig(kind=kind, source=str(folder)).build((1, 1))  # type: ignore[arg-type]
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8))
    with torch.no_grad():
        return encoder.eval()(encoder.preprocess([image]))


def rewrite(folder: Path, name: str, change: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(change(json.loads(path.read_text("utf-8")))), "utf-8")


def entry(**changes: Any) -> Any:
    return lambda found: {**found, **changes}


PREPARATION = {
    "a list": (lambda found: [], "holds a list"),
    "no size": (entry(size=None), "size = None"),
    "a width alone": (entry(size={"width": 32}), "shortest_edge, or height and width"),
    "a most height": (entry(size={"max_height": 32, "max_width": 32}), "size ="),
    "another size than the network's": (entry(size=40, crop_size=40), "its network takes"),
    "no crop": (entry(crop_size=None), "crop_size = None"),
    "no mean": (entry(image_mean=None), "image_mean = None"),
    "one mean": (entry(image_mean=[0.5]), "image_mean"),
    "a deviation of 0": (entry(image_std=[0, 0, 0]), "image_std"),
    "lanczos": (entry(resample=1), "lanczos"),
    "a text for a switch": (entry(do_resize="yes"), "do_resize = 'yes'"),
    "a huge size": (entry(size=10**9), "size = 1000000000"),
}


@pytest.mark.parametrize("odd", PREPARATION)
def test_a_preparation_that_cannot_be_done_names_file_entry_and_value(tmp_path, clip, odd):
    change, words = PREPARATION[odd]
    folder = Path(shutil.copytree(clip, tmp_path / "c"))
    rewrite(folder, "preprocessor_config.json", change)
    with pytest.raises(WeightsError, match=words) as caught:
        features(folder)
    assert "\n" not in str(caught.value)


CONFIG = {
    "a list": lambda found: [],
    "nothing": lambda found: {},
    "a width as text": entry(hidden_size="32"),
    "patches of 0": entry(patch_size=0),
    "five heads": entry(num_attention_heads=5),
}


@pytest.mark.parametrize("odd", CONFIG)
def test_a_config_that_transformers_does_not_take_is_one_line(tmp_path, clip, odd):
    folder = Path(shutil.copytree(clip, tmp_path / "c"))

    def change(found: dict[str, Any]) -> Any:
        if odd in ("a list", "nothing"):
            return CONFIG[odd](found)
        if "vision_config" in found:
            return {**found, "vision_config": CONFIG[odd](found["vision_config"])}
        return CONFIG[odd](found)

    rewrite(folder, "config.json", change)
    with pytest.raises(WeightsError) as caught:
        features(folder)
    assert "\n" not in str(caught.value)


def test_weights_that_are_no_numbers_cut_off_or_a_pointer_are_named(tmp_path, clip):
    for name in ("nan", "header", "cut", "pointer"):
        folder = Path(shutil.copytree(clip, tmp_path / name))
        (path,) = folder.glob("*.safetensors")
        data = path.read_bytes()
        if name == "nan":
            values = load_file(path)
            first = sorted(key for key in values if "layernorm" in key or "layrnorm" in key)[0]
            values[first][0] = float("nan")
            save_file(values, path, {"format": "pt"})
        elif name == "header":
            path.write_bytes(struct.pack("<Q", 1 << 60) + data[8:])
        elif name == "cut":
            path.write_bytes(data[: len(data) // 2])
        else:
            path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
            with pytest.raises(WeightsError, match="git lfs pull"):
                read_state_dict(path)
        with pytest.raises(WeightsError) as caught:
            features(folder)
        assert "\n" not in str(caught.value)


def test_the_new_processor_file_and_the_hubs_cache_are_read(tmp_path, clip):
    whole = features(clip)
    cache = tmp_path / "models--x--y" / "snapshots" / "abc"
    shutil.copytree(clip, cache)
    settings = json.loads((cache / "preprocessor_config.json").read_text("utf-8"))
    (cache / "preprocessor_config.json").unlink()
    (cache / "processor_config.json").write_text(json.dumps({"image_processor": settings}), "utf-8")
    assert torch.equal(features(cache.parents[1]), whole)
    older = cache.with_name("older")
    older.mkdir()
    (cache.parents[1] / "refs").mkdir()
    (cache.parents[1] / "refs" / "main").write_text("abc", "utf-8")
    assert local_weights(str(cache.parents[1])) == cache


def test_a_folder_of_dinov3_loads(tmp_path):
    torch.manual_seed(0)
    config = transformers.DINOv3ViTConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=32,
        patch_size=8, num_register_tokens=4,
    )  # fmt: skip
    network = transformers.DINOv3ViTModel(config).eval()
    network.save_pretrained(tmp_path)
    settings = {
        "size": {"height": 32, "width": 32},
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "resample": 2,
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings), "utf-8")
    encoder: Any = PretrainedVisionConfig(kind="dinov3", source=str(tmp_path)).build((4, 4)).eval()
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        theirs = network(pixels).last_hidden_state[:, 5:]  # after the class token and four registers
        ours = encoder(pixels)
    assert torch.allclose(ours, torch.nn.functional.layer_norm(theirs, (32,)), atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"do_normalize": False},
        {"do_rescale": False},
        {"do_resize": False},
        {"resample": 0},
        {"resample": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(48, 80), (80, 48), (20, 60)])
def test_pictures_are_prepared_as_the_reference_prepares_them(change, shape):
    settings = {
        "crop_size": {"height": 32, "width": 32}, "do_center_crop": True, "do_resize": True,
        "image_mean": [0.48, 0.45, 0.40], "image_std": [0.26, 0.26, 0.27], "resample": 3,
        "size": {"shortest_edge": 32}, **change,
    }  # fmt: skip
    picture = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    reference = transformers.CLIPImageProcessor(**settings)(picture, return_tensors="np")["pixel_values"][0]
    ours = Preprocessing(settings)([torch.from_numpy(picture)])[0].numpy()
    level = (1 if change == {"do_rescale": False} else 1 / 255) / (1 if "do_normalize" in change else 0.26)
    assert np.abs(ours - reference).max() <= 1.01 * level  # a rounding step of PIL's


RECORDS = {
    "config text": (("config",), "x"), "config list": (("config",), [1]), "config null": (("config",), None),
    "channels null": (("channels",), None), "channels twice": (("channels",), ["Fz"] * 8),
    "channels text": (("channels",), "FzC3CzC4"), "weights number": (("weights",), 5),
    "weights null": (("weights",), None), "name null": (("name",), None), "format text": (("format",), "1"),
    "width": (("config", "width"), 10**9), "interval": (("config", "grid", "interval_s"), 1e9),
    "infinite": (("config", "grid", "interval_s"), float("inf")), "negative": (("config", "width"), -4),
}  # fmt: skip


@pytest.mark.parametrize("odd", [*RECORDS, "deep"])
def test_a_record_that_is_not_what_it_says_is_refused_with_entry_and_file(tmp_path, odd):
    folder = Path(shutil.copytree(DEMO, tmp_path / "m"))
    record = json.loads((folder / "checkpoint.json").read_text("utf-8"))
    text = "[" * 100_000
    if odd != "deep":
        path, value = RECORDS[odd]
        place = record
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        text = json.dumps(record)
    (folder / "checkpoint.json").write_text(text, "utf-8")
    with pytest.raises(WeightsError, match=r"checkpoint\.json") as caught:
        load_checkpoint(folder)
    assert "\n" not in str(caught.value)
