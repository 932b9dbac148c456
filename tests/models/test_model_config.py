"""The configuration: three presets, one word a part, and refusals that name the field and what is legal."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from models.config import PRESETS, load, preset
from models.network.interfaces import MixerConfig, TemporalMixer
from models.network.mixers.gru import GruConfig
from models.network.mixers.tcn import NoMixer, NoMixerConfig
from models.network.network import Network
from realtime.errors import ConfigError


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_json(name: str) -> None:
    config = preset(name)
    assert config.name == name
    assert load(json.loads(json.dumps(config.model_dump(mode="json")))) == config


def test_the_presets_are_what_the_manual_says() -> None:
    demo, laptop, lab = (preset(name) for name in ("demo", "laptop", "lab"))
    assert (demo.fast.kind, demo.slow, demo.eeg.kind) == ("tiny", None, "compact")
    assert (laptop.slow.source, laptop.eeg.kind) == ("openai/clip-vit-base-patch32", "cbramod+compact")
    assert (lab.slow.source, lab.eeg.kind) == ("openai/clip-vit-base-patch16", "cbramod+compact")
    assert demo.paths == {"fast": 1}
    assert lab.paths == {"fast": 1, "slow": 5}


def test_a_part_is_chosen_by_one_word_or_by_a_table() -> None:
    assert preset("demo", {"mixer": "gru"}).mixer == GruConfig()
    assert preset("demo", {"mixer": {"kind": "gru", "layers": 2}}).mixer == GruConfig(layers=2)
    assert preset("demo", {"mixer": "gru", "mixer.layers": 2}).mixer == GruConfig(layers=2)
    assert preset("demo", {"eeg": "braindecode:Labram"}).eeg.model == "Labram"
    assert preset("demo", {"slow": "siglip"}).slow.source == "google/siglip-base-patch16-224"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mixer": "lstm"}, "mixer = 'lstm' is unknown: legal are 'gru', 'mamba', 'none', 's4d', 'tcn'"),
        (
            {"eeg": "eegnet"},
            "eeg = 'eegnet' is unknown: legal are 'braindecode', 'cbramod'",
        ),
        ({"depth": 3}, "depth is no field of the configuration"),
        ({"mixer": {"kind": "gru", "depth": 2}}, "mixer.depth is no field of mixer"),
        ({"fusion.readout": "sum"}, "fusion.readout = 'sum': input should be 'linear', 'cosine' or 'mlp'"),
        ({"fusion.depth": 9}, "fusion.depth = 9: input should be less than or equal to 4"),
        ({"fusion.head_width": 15}, "fusion.head_width = 15: input should be a multiple of 2"),
        ({"masks": "own+0"}, "masks='own+0' is unknown: legal are 'global', 'own', 'own+K', 'past'"),
        ({"grid.slots_hz": 30}, "slots_hz=30 must divide eeg_hz=200: 20, 25, 40, 50 or 100"),
        ({"fast": None}, "fast, slow and clip are all None"),
        ({"clip": "vivit"}, "clip='vivit' takes the place of frame encoders: set fast and slow to None"),
        (
            {"slow": "clip", "slow_every": 7},
            "slow_every=7 must divide the interval's 80 slots and the hop's 10",
        ),
        ({"places": 17}, "places=17x17: legal are 1 to 16"),
        (
            {"fast.image_px": 60},
            "image_px=60 must be patch_px=8 times a multiple of each side of places=4x4, e.g. image_px=64",
        ),
        ({"compression.latents_per_s": 41}, "gives 82 latents an interval: legal are 1 to 80"),
        ({"eeg": "braindecode"}, "eeg.model"),
        ({"width.of.it": 1}, "'width' has no fields"),
        ({"compression": {"kind": "pma", "heads": 5}}, "compression.heads=5 must divide width=32"),
        ({"fusion": {"kind": "qformer", "heads": 5}}, "fusion.heads=5 must divide width=32"),
    ],
)
def test_what_is_wrong_is_refused_with_the_field_and_what_is_legal(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        preset("demo", changes)
    assert message in str(refused.value)
    assert refused.value.exit_code == 2


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="preset 'desk' is unknown: legal are demo, laptop, lab"):
        preset("desk")


def test_a_configuration_is_frozen() -> None:
    with pytest.raises(ValidationError):
        preset("demo").width = 32


def test_a_kind_of_ones_own_takes_one_class_and_is_chosen_by_its_word() -> None:
    class Own(MixerConfig):
        kind: Literal["of my own"] = "of my own"  # type: ignore[assignment]
        back: int = 2

        def build(self, width: int) -> TemporalMixer:
            return NoMixer(NoMixerConfig(), width)

    config = preset("demo", {"mixer": {"kind": "of my own", "back": 3}})
    assert config.mixer == Own(back=3)
    assert load(json.loads(json.dumps(config.model_dump(mode="json")))) == config
    with pytest.raises(ConfigError, match=r"mixer\.back = 'x': input should be a valid integer"):
        preset("demo", {"mixer": {"kind": "of my own", "back": "x"}})
    assert isinstance(Network(config, ("Cz",)).video_tower.mixer, NoMixer)
