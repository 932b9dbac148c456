"""Replay a session into arrays

Runs a recorded session through a network as fast as the machine can, and keeps what it says as NumPy arrays:
the same readings that a live session would have shown.

    python examples/replay_to_arrays.py [SESSION]
"""

import math
import sys

import numpy as np

import phosphene


def main(session: str = str(phosphene.EXAMPLE)) -> dict[str, np.ndarray]:
    recording = phosphene.read_recording(session)
    print(f"{recording.name}: {recording.eeg.shape[0]} samples of {', '.join(recording.labels)}")

    replay = phosphene.open_replay(session, phosphene.ModelChoice(weights="demo"), speed=math.inf)
    readings: list[phosphene.Reading] = []
    replay.pipeline.taps.attach(readings.append)
    summary = phosphene.run(replay)
    if summary["errors"]:
        raise SystemExit(summary["errors"][0])

    arrays = {
        "time": np.array(
            [reading.end - recording.start for reading in readings]
        ),  # s since the session began
        "similarity": np.array([reading.similarity for reading in readings]),  # cosine, -1 to 1
        "match": np.array([reading.match for reading in readings]),  # probability
        # What the EEG read, summed over time: (n, rows, columns); 1 in all, with `attention.whole`.
        "where": np.stack([reading.attention.places for reading in readings]),
        "when": np.stack([reading.attention.frames for reading in readings]),  # (n, n_slots), each sums to 1
    }
    for name, array in arrays.items():
        print(f"{name:10} {array.shape}  mean {array.mean():+.3f}")
    return arrays


if __name__ == "__main__":
    main(*sys.argv[1:])
