"""A long computation takes the cores that others leave, and not one more."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from models.inference import machine
from models.inference.machine import FreeCores, Spent, n_cores, spent


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def looked(monkeypatch, n, *readings):
    """Threads after each look at clocks that read so."""
    monkeypatch.setattr(machine, "n_cores", lambda: n)
    clocks = iter([Spent(0.0, 0.0, 0.0), *(Spent(*reading) for reading in readings)])
    cores, found = FreeCores(n, lambda: next(clocks)), []
    torch.set_num_threads(n)
    for _ in readings:
        cores.share()
        found.append(torch.get_num_threads())
    cores.end()
    return found, torch.get_num_threads()


def test_threads_follow_what_others_take_and_are_given_back(monkeypatch):
    alone, beside_one, alone_again = (1.0, 2.1, 2.0), (2.0, 4.1, 3.0), (3.0, 6.0, 4.9)
    assert looked(monkeypatch, 2, alone, beside_one, alone_again) == ([2, 1, 2], 2)


def test_a_crowd_leaves_one_thread_and_a_glance_in_between_changes_nothing(monkeypatch):
    assert looked(monkeypatch, 4, (0.1, 0.4, 0.1), (1.2, 9.0, 0.3), (1.9, 9.0, 0.3)) == ([4, 1, 1], 4)


def test_other_programs_are_seen_as_they_are():
    second_of_work = "import time\nwhile time.process_time() < 1.0: pass"
    before = spent()
    for process in [subprocess.Popen([sys.executable, "-c", second_of_work]) for _ in range(n_cores())]:
        assert process.wait() == 0
    after = spent()
    others = after.cores - before.cores - (after.own - before.own)
    assert others > 0.9 * n_cores()
