"""What markers say was attended, and where in the frame that is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.combination import over_places
from models.config import preset
from models.learning.data.cues import FILE, Cues, cover, read_map
from models.learning.data.dataset import Recordings
from models.learning.judging.views import see
from models.learning.train import Material, prepare
from models.learning.training.objective import attended
from models.learning.training.recipe import Recipe
from models.learning.training.validation import HeldWindows, look_at
from models.network.towers import agreement, pick
from realtime.config import ConditioningConfig, GridConfig
from realtime.errors import SessionError
from realtime.types import EegInfo, Frame
from recordings.session.session import Session
from recordings.session.writer import write_session

sides = st.floats(0.0, 0.9)


@given(sides, sides, st.floats(0.05, 1.0), st.floats(0.05, 1.0), st.integers(1, 9), st.integers(1, 9))
def test_a_rectangle_is_spread_over_the_places_it_touches_and_over_no_other(
    left, top, width, height, rows, n
):
    box = np.array([[left, top, min(1.0, left + width), min(1.0, top + height)]])
    share = cover(box, (rows, n)).reshape(rows, n)
    assert share.sum() == pytest.approx(1.0)
    lows, highs = np.arange(n) / n, (np.arange(n) + 1) / n
    assert (share.sum(axis=0)[(highs <= box[0, 0]) | (lows >= box[0, 2])] == 0).all()


def test_a_grid_names_its_cells_row_by_row_and_each_cell_has_its_own_places():
    cues = read_map({"target": {"rows": 4, "columns": 8}}, "here")
    assert [cue.name for cue in cues][:2] == ["target0", "target1"]
    assert len(cues) == 32
    share = cover(np.stack([cue.box(0.0, 1.0) for cue in cues]), (8, 8))
    assert np.flatnonzero(share[9]).tolist() == [2 * 8 + 1, 3 * 8 + 1]  # row 1, column 1 of the cells
    assert np.allclose(share.sum(axis=0), 0.5)


def test_a_moving_object_is_where_its_path_says():
    (cue,) = read_map({"ball": {"path": [[0, 0.0, 0.0, 0.2, 0.2], [10, 0.8, 0.0, 1.0, 0.2]]}}, "here")
    assert cue.box(4.0, 6.0) == pytest.approx([0.4, 0.0, 0.6, 0.2])


@pytest.mark.parametrize(
    "tree", [{}, {"a": [0, 0, 2, 1]}, {"a": [0.5, 0, 0.5, 1]}, {"a": [0, 1]}, {"a": {"rows": 2}}, [1]]
)
def test_a_map_that_says_no_rectangle_is_refused_with_what_to_write(tree):
    with pytest.raises(SessionError, match="give each marker's text a rectangle"):
        read_map(tree, "cues.json")


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """20 s; left from 2 s on, nothing from 8 s on, right from 12 s on."""
    folder = tmp_path_factory.mktemp("cued")
    info = EegInfo("Cap", ("O1", "O2"), "uV", 200.0, "cap", "lab")
    frames = (Frame(np.full((32, 64, 3), 10 * (k % 9), np.uint8), 100 + k / 10, k) for k in range(200))
    markers = [(102.0, "left"), (105.0, "blink"), (108.0, "rest"), (112.0, "right")]
    samples = np.random.default_rng(0).standard_normal((4000, 2)).astype(np.float32)
    write_session(folder, info, 100 + np.arange(4000) / 200, samples, frames, markers)
    return folder


MAP = {"left": [0, 0, 0.5, 1], "right": {"box": [0.5, 0, 1, 1], "seconds": 4.0}, "rest": None}


def test_a_cue_holds_until_the_next_one_or_for_its_seconds(session, tmp_path):
    file = tmp_path / "map.json"
    file.write_text(json.dumps(MAP))
    with Session(session) as recorded:
        assert Cues.of(recorded) is None
        cues = Cues.of(recorded, file)
    assert cues is not None
    spans = [(100.5, 101.0), (102.0, 104.0), (104.0, 106.0), (107.0, 109.0), (109.0, 111.0), (113.0, 115.0)]
    names = [cues.attended(*span) for span in [*spans, (115.0, 117.0)]]
    assert names == [-1, 0, 0, -1, 2, 1, -1]
    assert cues.box(102.0, 104.0) == pytest.approx([0, 0, 0.5, 1])
    assert np.isnan(cues.box(109.0, 111.0)).all()  # nothing of the frame
    assert cues.places == [0, 1]


def test_windows_bring_the_attended_rectangle_from_a_map_beside_the_session(session, tmp_path):
    (session / FILE).write_text(json.dumps(MAP))
    recordings = Recordings([session], GridConfig(), cache=tmp_path, conditioning=ConditioningConfig())
    batch = recordings.batch(recordings.every(recordings.spans(), 80))
    starts = recordings.starts(recordings.every(recordings.spans(), 80))
    for box, start in zip(batch.box.numpy(), starts, strict=True):
        wanted = recordings.cues[0].box(start, start + 2.0)
        assert np.allclose(box, wanted, equal_nan=True)
    assert np.isfinite(batch.box.numpy()).all(axis=1).sum() == 3
    (session / FILE).unlink()


def test_a_map_that_fits_no_marker_says_what_the_markers_are(session, tmp_path):
    file = tmp_path / "map.json"
    file.write_text(json.dumps({"target": {"rows": 2, "columns": 2}}))
    with pytest.raises(SessionError, match="blink, left, rest, right"):
        Recordings([session], GridConfig(), ConditioningConfig(), tmp_path, cues=file)


def test_the_similarity_asks_for_what_is_attended_and_for_the_whole_frame_where_nothing_says_so():
    agreed = torch.arange(2 * 2 * 4.0).reshape(2, 2, 4)
    cues = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    found = attended(agreed, cues)
    assert found[:, 0].tolist() == agreed[:, 0, 2:].mean(dim=1).tolist()  # both places of its object
    assert found[:, 1].tolist() == agreed[:, 1, 0].tolist()
    assert torch.equal(attended(agreed, None), agreed[..., 0])


def test_where_cues_taught_places_what_is_held_out_is_judged_by_the_best_of_them_as_it_would_be_live(
    session, tmp_path
):
    (session / FILE).write_text(json.dumps({"left": [0, 0, 0.5, 1], "right": [0.5, 0, 1, 1], "rest": None}))
    config = preset("demo", {"places": 2})
    network, recordings = prepare(Material([session], cache=tmp_path), config, Recipe())
    (session / FILE).unlink()
    held = HeldWindows.of(recordings, recordings.spans())
    with torch.inference_mode():
        views = see(network.eval(), recordings, held.windows)
        agreed = agreement(views.eeg, pick(views.video, slice(0, len(held.starts)))).double().numpy()
    for cued, wanted in ((True, over_places(agreed[..., 1:])), (False, agreed[..., 0])):
        found = look_at(network, recordings, held, torch.device("cpu"), match=False, cued=cued)
        np.testing.assert_allclose(found.similarity.scores, wanted, atol=1e-6)
