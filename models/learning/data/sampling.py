"""What a step of a training is given: windows drawn at random, changed a little, cut ahead of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

from models.learning.data.dataset import Recordings, Span, WindowBatch, Windows
from models.learning.training.recipe import Recipe


def draw(
    recordings: Recordings, spans: Sequence[Span], n: int, recipe: Recipe, rng: np.random.Generator
) -> Windows:
    """`n` random windows; for the multi-positive loss each second one is a near twin of the one before."""
    if recipe.loss != "multi_positive":
        return recordings.random(spans, n, rng)
    first = recordings.random(spans, (n + 1) // 2, rng)
    reach = round(recipe.twin_s * recordings.grid.slots_hz)
    moved = first.end + rng.integers(-reach, reach + 1, len(first.end))
    floor = np.full(len(moved), recordings.n_rows)
    ceiling = np.array([recordings.tables[s].n_slots - 1 for s in first.session])
    ends = np.stack([first.end, np.clip(moved, floor, ceiling)], axis=1).reshape(-1)[:n]
    return Windows(np.repeat(first.session, 2)[:n], ends)


def augment(batch: WindowBatch, recipe: Recipe, per_slot: int) -> WindowBatch:
    """Silence electrodes, add noise, shift the EEG against the video, as the recipe says.

    Parameters
    ----------
    per_slot : int
        Points of EEG a slot.
    """
    eeg, valid = batch.eeg, batch.eeg_valid
    if recipe.shift_slots:
        shifts = torch.randint(-recipe.shift_slots, recipe.shift_slots + 1, (len(eeg),)) * per_slot
        eeg, valid = eeg.clone(), valid.clone()
        for i, shift in enumerate(shifts.tolist()):
            eeg[i], valid[i] = eeg[i].roll(shift, 1), valid[i].roll(shift, 1)
            wrapped = slice(0, shift) if shift >= 0 else slice(eeg.shape[2] + shift, None)
            valid[i, :, wrapped] = False
    if recipe.noise:
        eeg = eeg + recipe.noise * batch.eeg_scale[:, :, None] * torch.randn_like(eeg)
    if recipe.channel_drop:
        kept = torch.rand(eeg.shape[:2], device=eeg.device) >= recipe.channel_drop
        kept |= ~kept.any(dim=1, keepdim=True)  # nothing can be learned from silence
        valid = valid & kept[:, :, None]
    return batch._replace(eeg=eeg, eeg_valid=valid)


def ahead(cut: Callable[[int], WindowBatch], steps: range, core_is_free: bool) -> Iterator[WindowBatch]:
    """Batches of `steps` in order, the next one being cut while this one is worked on.

    Where no core is free for that, each is cut when it is wanted: a thread that takes a core from those that
    share an operation makes all of them wait.
    """
    if not core_is_free:
        yield from map(cut, steps)
        return
    with ThreadPoolExecutor(1, "cut") as pool:
        coming = pool.submit(cut, steps[0]) if len(steps) else None
        for step in steps:
            assert coming is not None
            batch = coming.result()
            coming = pool.submit(cut, step + 1) if step + 1 < steps.stop else None
            yield batch


def with_context(
    recordings: Recordings, windows: Windows, n_context: int
) -> tuple[Windows, NDArray[np.bool_]]:
    """Windows, then those one interval before each, then two, up to `n_context`.

    Returns
    -------
    Windows
        (1 + n_context)·n of them; a window stands in where its recording had not begun yet.
    there : array of shape ((1 + n_context)·n,), bool
        Where it has: as live, what was not seen cannot be read.
    """
    grid = recordings.grid
    stride = -(-grid.n_slots // grid.hop_slots) * grid.hop_slots
    ends = [windows.end - back * stride for back in range(n_context + 1)]
    there = [end >= recordings.n_rows for end in ends]
    held = [np.where(known, end, windows.end) for known, end in zip(there, ends, strict=True)]
    return Windows(np.tile(windows.session, n_context + 1), np.concatenate(held)), np.concatenate(there)
