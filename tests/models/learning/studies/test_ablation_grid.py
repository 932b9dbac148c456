"""What each part of the attention brings: rows are measured on the same blocks, and a broken run goes on."""

from __future__ import annotations

import json
import sys

import pytest

from models.learning.studies import ablation_grid as study

CHOICE = {"two_way": 0.9, "two_way_ci": [0.8, 1.0], "ten_way": 0.7, "ten_way_ci": [0.6, 0.8]}
HITS = {"n": 60, "hits": 57, "share": 0.87}


def _row(name: str, *, by_place: bool) -> dict:
    row = {"name": name, "match": CHOICE, "similarity": CHOICE, "gain": {}}
    return row | {"match": CHOICE | {"attended": HITS}, "agreement": CHOICE} if by_place else row


def test_a_network_without_places_has_no_map_and_still_a_row():
    table = study.as_markdown(
        [_row("as it is", by_place=True), _row("the whole frame alone", by_place=False)]
    )
    assert "| as it is | 57 of 60 | 0.87 | 0.900 [0.800, 1.000] | 0.700 | 0.900 | 0.700 | 0.900 |" in table
    assert "| the whole frame alone | – | – | 0.900" in table
    assert len({line.count("|") for line in table.splitlines()}) == 1


def test_a_run_that_was_broken_off_measures_only_what_is_missing(tmp_path, monkeypatch):
    out, done = tmp_path / "grid.md", study.PARTS[0].name
    (tmp_path / "grid.json").write_text(json.dumps([_row(done, by_place=True)]))
    asked: list[str] = []

    def measure(material, part, n_blocks=4, tell=None):
        asked.append(part.name)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return _row(part.name, by_place=True)

    monkeypatch.setattr(study, "measure", measure)
    monkeypatch.setattr(sys, "argv", ["ablation_grid", str(tmp_path), "--out", str(out)])
    with pytest.raises(KeyboardInterrupt):
        study.main()
    assert asked == [part.name for part in study.PARTS[1:3]]
    assert [row["name"] for row in json.loads((tmp_path / "grid.json").read_text())] == [done, asked[0]]
    assert asked[0] in out.read_text()


@pytest.mark.parametrize("part", study.PARTS, ids=lambda part: part.name)
def test_every_row_is_a_network_that_can_be_built(part):
    assert study.preset("demo", {**study.NETWORK, **part.network}).n_places >= 1
