"""Checkpoints: written whole or not at all, read strictly, never unpickled."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from models.checkpoint import RECORD, fill, load_checkpoint, own_weights, save_checkpoint
from models.inference.engine import Engine
from realtime.errors import WeightsError
from tests.support.networks import LABELS, small_batch, small_network


def saved(folder: Path, seed: int = 0) -> Path:
    return save_checkpoint(
        folder / "mine", small_network(seed), "mine", {"test": ["run05"]}, {"two_way": 0.93}
    )


def record(folder: Path, **changes: Any) -> None:
    entries = json.loads((folder / RECORD).read_text()) | changes
    (folder / RECORD).write_text(json.dumps({k: v for k, v in entries.items() if v is not None}))


def weights_file(folder: Path) -> Path:
    (path,) = folder.glob("weights-*.safetensors")
    return path


def test_what_was_saved_comes_back_bit_for_bit_with_its_record(tmp_path: Path) -> None:
    network = small_network()
    checkpoint = load_checkpoint(saved(tmp_path))
    batch = small_batch(network)
    assert torch.equal(checkpoint.network(batch).fused.logit, network(batch).fused.logit)
    assert checkpoint.network.config == network.config
    assert checkpoint.network.labels == LABELS
    assert (checkpoint.name, checkpoint.split, checkpoint.metrics) == (
        "mine",
        {"test": ["run05"]},
        {"two_way": 0.93},
    )
    assert checkpoint.versions["torch"] == torch.__version__


def test_a_trained_cbramod_is_loaded_without_the_published_weights_it_began_with(tmp_path: Path) -> None:
    published = tmp_path / "published.safetensors"
    begun = small_network(eeg={"kind": "cbramod", "layers": 1})
    state = begun.eeg_tower.encoder.network.state_dict()
    safetensors.torch.save_file({name: part.clone() for name, part in state.items()}, published)
    network = small_network(eeg={"kind": "cbramod", "layers": 1, "weights": str(published)})
    with torch.no_grad():
        for weight in network.eeg_tower.encoder.network.parameters():
            weight += 0.1  # as a training would
    folder = save_checkpoint(tmp_path / "mine", network, "mine", {}, {})
    published.unlink()
    loaded = Engine.from_checkpoint(folder).network.eeg_tower.encoder.network.state_dict()
    assert all(
        torch.equal(loaded[name], part)
        for name, part in network.eeg_tower.encoder.network.state_dict().items()
    )


def test_an_engine_from_a_checkpoint_names_its_weights_and_electrodes(tmp_path: Path) -> None:
    card = Engine.from_checkpoint(saved(tmp_path)).card
    assert card.weights == "mine"
    assert card.channels == LABELS


def test_saving_again_replaces_the_old_weights(tmp_path: Path) -> None:
    saved(tmp_path, seed=0)
    folder = saved(tmp_path, seed=1)
    assert len(list(folder.iterdir())) == 2
    same = own_weights(load_checkpoint(folder).network)
    assert all(torch.equal(same[name], value) for name, value in own_weights(small_network(1)).items())


def test_a_save_that_is_cut_off_leaves_the_checkpoint_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(tmp_path, seed=0)
    replace = os.replace

    def stops_before_the_record(source: str, target: Path) -> None:
        if Path(target).name == RECORD:
            raise OSError("no space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", stops_before_the_record)
    with pytest.raises(OSError, match="no space left"):
        saved(tmp_path, seed=1)
    monkeypatch.undo()
    before = own_weights(small_network(0))
    loaded = own_weights(load_checkpoint(folder).network)
    assert all(torch.equal(loaded[name], value) for name, value in before.items())
    assert not list(folder.glob(".*"))


def test_a_folder_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=rf"{tmp_path} holds no {RECORD}"):
        load_checkpoint(tmp_path)


def test_weights_that_were_changed_or_cut_are_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    path = weights_file(folder)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(WeightsError, match="is not the file its record was written with"):
        load_checkpoint(folder)
    path.unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        load_checkpoint(folder)


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    text = (folder / RECORD).read_text()
    (folder / RECORD).write_text(text[:200])
    with pytest.raises(WeightsError, match="cannot be read"):
        load_checkpoint(folder)
    (folder / RECORD).write_text(text)
    record(folder, channels=None)
    with pytest.raises(WeightsError, match="has no entry 'channels'"):
        load_checkpoint(folder)
    record(folder, format=7)
    with pytest.raises(WeightsError, match="has format 7, this version reads 1"):
        load_checkpoint(folder)


def test_a_record_that_points_outside_its_folder_stays_inside(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    record(folder, weights="../../etc/passwd")
    with pytest.raises(WeightsError, match=rf"{folder}/passwd cannot be read"):
        load_checkpoint(folder)


def test_weights_of_another_network_are_refused_with_what_differs(tmp_path: Path) -> None:
    network, path = small_network(), weights_file(saved(tmp_path))
    state = safetensors.torch.load_file(path)
    del state["bias"]
    state["log_scale"] = torch.zeros(2)
    state["extra"] = torch.zeros(1)
    state["eeg_tower.head.bias"][0] = float("nan")
    with pytest.raises(WeightsError) as refused:
        fill(network, state, "somewhere")
    for part in (
        "bias is missing",
        "extra is not part of it",
        "log_scale is (2,), not ()",
        "eeg_tower.head.bias is not finite",
        "somewhere does not fit the network",
    ):
        assert part in str(refused.value)


def test_a_configuration_this_version_does_not_know_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    config = json.loads((folder / RECORD).read_text())["config"] | {"mixer": {"kind": "hyena"}}
    record(folder, config=config)
    with pytest.raises(WeightsError, match="'hyena' is unknown"):
        load_checkpoint(folder)


def test_a_pickle_in_the_place_of_weights_is_never_run(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    ran = tmp_path / "ran"

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (ran,))

    data = pickle.dumps(Payload())
    weights_file(folder).write_bytes(data)
    import hashlib

    record(folder, sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(WeightsError, match="cannot be read"):
        load_checkpoint(folder)
    assert not ran.exists()


def test_published_weights_that_were_not_trained_are_left_out(tmp_path: Path) -> None:
    network = small_network()
    network.frame_encoders["fast"].stored_elsewhere = True
    names = own_weights(network)
    assert names
    assert not any(name.startswith("frame_encoders.fast.") for name in names)
