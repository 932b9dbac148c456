"""One forward over a whole session, all at once, gives the readings that the stream gave one by one."""

from __future__ import annotations

import numpy as np
import torch

from experiment.compose import open_replay
from experiment.model_choice import ModelChoice
from models.inference.engine import Engine
from models.network.network import Batch
from realtime.video.frames import shrink
from recordings.intervals import SessionIntervals
from recordings.session.session import Session
from recordings.video.files import VideoReader
from tests.support.small_session import write_small


def offline(session: Session, engine: Engine, conditioning, ends) -> tuple[np.ndarray, np.ndarray]:
    """Similarity and match of the intervals that end then, by one batched forward of the network."""
    cutter = SessionIntervals(session, conditioning)
    reader = VideoReader(session.video().path)
    images = [shrink(image, engine.card.image_px) for _, _, image in reader]
    embedded = torch.from_numpy(engine.encode(images, "fast"))
    slots = [round(end * cutter.grid.slots_hz) for end in ends]
    intervals = [cutter.interval(slot)[0] for slot in slots]
    frames = torch.stack([means(cutter, embedded, slot) for slot in slots])
    batch = Batch(
        eeg=torch.from_numpy(np.stack([i.eeg for i in intervals]))[:, None],
        eeg_valid=torch.from_numpy(np.stack([i.eeg_valid for i in intervals]))[:, None],
        eeg_scale=torch.from_numpy(np.stack([i.eeg_scale for i in intervals]))[:, None],
        frames={"fast": frames[:, None]},
        frame_valid=torch.from_numpy(np.stack([i.frame_valid for i in intervals]))[:, None],
    )
    with torch.inference_mode():
        out = engine.network(batch)
    return out.similarity[:, 0, 0].numpy(), out.fused.logit[:, 0].sigmoid().numpy()


def means(cutter: SessionIntervals, embedded: torch.Tensor, end: int) -> torch.Tensor:
    """What was on show at the points of each slot in the mean, (n_slots, P, Dv); `end` is a slot."""
    grid = cutter.grid
    points = (end - round(grid.lag_s * grid.slots_hz)) * 5 - np.arange(grid.n_slots * 5, 0, -1)
    shown = cutter.frame_seq[np.searchsorted(cutter.frame_stamps, points / grid.eeg_hz, side="right") - 1]
    return embedded[torch.from_numpy(shown)].unflatten(0, (grid.n_slots, 5)).mean(dim=1)


def test_streaming_equals_one_offline_forward_over_the_session(tmp_path):
    folder = write_small(tmp_path / "session", seconds=7.0)
    running = open_replay(folder, ModelChoice(), speed=float("inf"))
    running.runner.run()
    readings = running.pipeline.history
    assert len(readings) >= 16
    similarity, match = offline(
        Session(folder), running.pipeline.model, running.pipeline.conditioning, [r.end for r in readings]
    )
    assert np.abs(similarity - [r.similarity for r in readings]).max() < 1e-5
    assert np.abs(match - [r.match for r in readings]).max() < 1e-5
    assert np.ptp(similarity) > 1e-3  # the readings differ, so that the comparison says something
