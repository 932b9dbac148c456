"""Which of many objects is attended: settings are chosen without the block they are judged on."""

from __future__ import annotations

import json

import numpy as np

from models.config import preset
from models.learning.studies import attended as study
from models.learning.studies.trials import CUES
from models.learning.train import Material
from models.network.network import Network


def test_settings_for_a_block_are_judged_on_the_others_by_what_learned_from_neither(
    shared_data, tmp_path, monkeypatch
):
    cues = tmp_path / "cues.json"
    cues.write_text(json.dumps(CUES))
    material = Material([shared_data / "sessions" / "cvep32-grid" / "run01"], cache=tmp_path, cues=cues)
    learned, judged = [], []

    def untrained(config, recipe, recordings, spans):
        learned.append({span.start for span in spans})
        return Network(config, recordings.labels)

    def noted(network, recordings, spans, shown, chosen):
        judged.append((learned[-1], frozenset(np.flatnonzero(chosen).tolist()), set(shown.starts[chosen])))
        return {"match": study.Said(None, np.arange(4.0).reshape(1, 4))}

    def unseen(material, config, recipe):
        return None, material.recordings(config.grid, material.conditioning)

    monkeypatch.setattr(study, "prepare", unseen)
    monkeypatch.setattr(study, "trained", untrained)
    monkeypatch.setattr(study, "judge", noted)
    found = study.inner(material, preset("demo", {**study.NETWORK, "places": 2}), n_blocks=3)
    assert set(found) == {"1", "2", "3"}
    assert all(len(block["match"]["two_way_ci"]) == 2 for block in found.values())
    assert len(learned) == 3  # each pair of blocks is left out once
    assert len(judged) == 6  # and each of the two judged on behalf of the other
    for starts, _, tested in judged:
        assert not starts & tested
    assert len({trials for _, trials, _ in judged}) == 3
