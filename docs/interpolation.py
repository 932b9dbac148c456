"""What the kernel that makes points of EEG costs: `python docs/interpolation.py SESSION [WEIGHTS]`.

Every second sample of the recording is left out, after the program's own filter, and made again from the
others. The filter's corner is 20 Hz (as 40 Hz at twice the rate) and 40 Hz (as at low rates). With WEIGHTS, a
trained network scores the whole session on the points of both.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scipy import signal

import realtime.eeg.intake as intake
from experiment.compose import open_replay
from experiment.model_choice import ModelChoice
from experiment.run import run
from realtime.eeg.conditioning import design
from realtime.time.interpolation import Kernel, fitted_kernel, interpolate, kernel_for, symmetric_kernel
from realtime.types import Reading
from recordings.session.session import Session

N_CHANNELS = 5  # of p300-muse: those that are EEG


def errors(session: Path) -> None:
    """Print a table: the kernel, what it waits for, and its error against the signal."""
    with Session(session) as recording:
        track = recording.eeg()
        rate = track.info.rate_nominal
        samples = np.concatenate([piece.samples for piece in track.pieces()])[:, :N_CHANNELS].astype(float)
    print("| corner, share of the rate | kernel | waits for | error, rms | worst |")
    print("| --- | --- | --- | --- | --- |")
    for corner_hz in (20.0, 40.0):
        cut = corner_hz / (rate / 2)
        kernels = {"symmetric": symmetric_kernel()}
        for after in (1, 2, 3, 4):
            kernels[f"fitted, {after}"] = fitted_kernel(12 - after, after, cut)
        filtered = signal.sosfilt(design((0.5, corner_hz), 50.0, rate), samples, axis=0)[int(3 * rate) :]
        for name, kernel in kernels.items():
            rms, worst = _made_again(filtered, kernel)
            print(f"| {cut:.2f} | {name} | {kernel.after} samples | {rms:.2%} | {worst:.1%} |")


def _made_again(filtered: np.ndarray, kernel: Kernel) -> tuple[float, float]:
    """Root mean square and largest error over the signal's standard deviation."""
    kept, left_out = filtered[::2], filtered[1::2]
    position = np.arange(20, len(left_out) - 20)
    made = interpolate(kept, position, np.full(len(position), 0.5), kernel)
    apart = made - left_out[position]
    return float(np.sqrt(np.mean(apart**2)) / kept.std()), float(np.abs(apart).max() / kept.std())


def scores(session: Path, weights: str) -> None:
    """Print how far the scores of a trained network lie apart, and how good either is."""
    found = {}
    for name, choose in (("symmetric", lambda *_: symmetric_kernel()), ("fitted", kernel_for)):
        intake.kernel_for = choose
        readings: list[Reading] = []
        replay = open_replay(session, ModelChoice(weights=weights, backend="eager"), math.inf)
        replay.pipeline.taps.attach(readings.append)
        run(replay)
        found[name] = {reading.index: reading for reading in readings}
        last = readings[-1].chance
        print(f"{name}: {len(readings)} readings, 2-way {last.two_way:.3f} of n = {last.n}")
    both = sorted(found["symmetric"].keys() & found["fitted"].keys())
    one, other = (np.array([found[name][i].similarity for i in both]) for name in ("symmetric", "fitted"))
    print(f"similarity: r = {np.corrcoef(one, other)[0, 1]:.6f}, ", end="")
    apart = np.abs(one - other)
    print(
        f"differs by {apart.mean():.1e} on average, {apart.max():.1e} at most; its spread is {one.std():.3f}"
    )


if __name__ == "__main__":
    errors(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        scores(Path(sys.argv[1]), sys.argv[2])
