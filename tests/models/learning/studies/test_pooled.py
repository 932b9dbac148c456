"""Several seeds are asked about the same windows: they make a figure steadier, and no interval narrower."""

from __future__ import annotations

import re

import numpy as np

from models.learning.studies.pooled import as_markdown


def the_table_of(seeds: int) -> tuple[float, float, float]:
    """2-way and its interval of two people with 20 windows each, the same accuracies by each seed."""
    accuracies = np.random.default_rng(0).random((2, 20))
    rows = [
        {"seed": seed, "person": who, "way": "pooled", "minutes": 2.0, "two": own, "ten": own}
        for seed in range(seeds)
        for who, own in zip(("sub-00", "sub-01"), accuracies.tolist(), strict=True)
    ]
    found = re.search(r"([.\d]+) \[([.\d]+), ([.\d]+)\]", as_markdown(rows))
    assert found is not None
    mean, low, high = map(float, found.groups())
    return mean, low, high


def test_windows_asked_with_three_seeds_are_not_three_times_as_many():
    mean, low, high = the_table_of(seeds=1)
    assert low < mean < high
    assert the_table_of(seeds=3) == (mean, low, high)
