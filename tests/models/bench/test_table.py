"""The table of costs: counts that can be checked by hand, and rows that say what they are of."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.bench import published_shapes, table
from models.network.network import Network
from tests.support.networks import LABELS, small_config

SMALL_CLIP = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}


def test_a_row_counts_parameters_and_the_products_of_a_frame() -> None:
    config = small_config(mixer="none", compression="mean")
    row = table.measure(config, LABELS, "tiny", seconds=0)
    network = Network(config, LABELS)
    assert row.parameters == sum(p.numel() for p in network.parameters())
    frozen = sum(p.numel() for p in network.frame_encoders.parameters())
    assert row.trained == row.parameters - frozen
    assert row.name == "compact · tiny · none · mean · gated"
    # 16 patches of 8 × 8 × 3 into 16; two blocks of qkv, scores, values, output, an MLP four times as wide.
    tokens, width = 16, 16
    block = tokens * width * (3 * width + width + 8 * width) + 2 * tokens * tokens * width
    assert row.frame_mflop["fast"] == pytest.approx(2 * (tokens * 192 * width + 2 * block) / 1e6)
    assert row.tick_mflop > 0
    assert 0 < row.frame_ms["fast"] < 1e4
    assert 0 < row.tick_ms < 1e4


def test_parts_that_do_more_cost_more() -> None:
    plain = table.measure(small_config(mixer="none"), LABELS, "tiny", seconds=0)
    mixed = table.measure(small_config(mixer="gru"), LABELS, "tiny", seconds=0)
    frames, width = 40 * 17, 32  # of each of 4 × 4 places and of the whole frame
    assert mixed.tick_mflop - plain.tick_mflop == pytest.approx(2 * frames * 6 * width * width / 1e6)
    assert mixed.parameters - plain.parameters == 6 * width * width + 6 * width + 2 * width


def test_markdown_has_a_line_a_row_and_accuracy_where_it_is_known() -> None:
    row = table.Row(
        ("a", "b", "c", "d", "e"), 1_500_000, 500_000, 12.34, 5.6, {"fast": 1, "slow": 20}, {"fast": 2.25}
    )
    plain = table.as_markdown([row, row]).splitlines()
    assert len(plain) == 4
    assert plain[2] == "| a | b | c | d | e | 1.50 M | 0.50 M | 12.3 | 5.6 | 1.0 + 20.0 | 2.2 |"
    told = table.as_markdown([row], {row.name: "0.95"}).splitlines()
    assert told[0].endswith("| accuracy |")
    assert told[2].endswith("| 0.95 |")


def test_published_shapes_are_measured_with_random_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = ("clip", "CLIPVisionModelWithProjection", "CLIPVisionConfig", {**SMALL_CLIP, "patch_size": 32})
    monkeypatch.setitem(published_shapes.SHAPES, "small", shape)
    source = published_shapes.write_random("small", tmp_path)
    config = small_config(fast=None, slow={"kind": "clip", "source": str(source)})
    row = table.measure(config, LABELS, "small", seconds=0)
    assert row.frame_mflop["slow"] > 50 * 4 * 32 * 32 * 2 / 1e6  # at least its 50 tokens' projections


def test_the_machine_is_named() -> None:
    assert "threads, torch" in table.measured_on()
