"""Feed a session's intervals to a model of your own

`read_intervals` cuts a session into the intervals that a live session scores: EEG on a 200 Hz grid and, for
each of 80 slots, the number of the frame on show. Here a ridge regression in PyTorch predicts the time from
the power of each channel.

    python examples/intervals_to_torch.py [SESSION]
"""

import sys

import torch

import phosphene


def main(session: str = str(phosphene.EXAMPLE)) -> float:
    grid = phosphene.GridConfig(hop_s=1.0)  # an interval a second
    conditioning = phosphene.ConditioningConfig(band_hz=(1.0, 30.0), reference="average")
    intervals = phosphene.read_intervals(session, conditioning, grid)
    print(
        f"{len(intervals.end)} intervals, EEG {intervals.eeg.shape[1:]}, frames {intervals.frame.shape[1:]}"
    )

    eeg = torch.from_numpy(intervals.eeg)  # (n, channels, points) µV, 0 where not valid
    power = eeg.square().mean(dim=2).add(1e-6).log()  # (n, channels)
    time = torch.from_numpy(intervals.end - intervals.end.mean()).float()
    centred = power - power.mean(dim=0)
    penalty = 1e-2 * len(time) * torch.eye(centred.shape[1])
    weights = torch.linalg.solve(centred.T @ centred + penalty, centred.T @ time)
    fit = float(torch.corrcoef(torch.stack([centred @ weights, time]))[0, 1])
    print(f"power follows time with r = {fit:.2f} (on the data it was fitted to)")
    return fit


if __name__ == "__main__":
    main(*sys.argv[1:])
