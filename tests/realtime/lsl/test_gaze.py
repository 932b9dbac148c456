"""Gaze as Pupil's relay sends it: found, turned the right way up, and only where it is sure."""

from __future__ import annotations

import time

import numpy as np
import pylsl

from realtime.gaze import GazeChannels
from realtime.lsl.gaze import GazeListener

LABELS = ("confidence", "norm_pos_x", "norm_pos_y", "gaze_point_3d_x")


def outlet(source_id, labels=LABELS):
    info = pylsl.StreamInfo("pupil_capture", "Gaze", len(labels), 0, "double64", source_id)
    info.set_channel_labels(list(labels))
    return pylsl.StreamOutlet(info)


def test_points_run_from_the_top_left_and_unsure_ones_are_left_out():
    channels = GazeChannels.of(LABELS)
    samples = np.array([[0.9, 0.25, 0.9, 0], [0.3, 0.5, 0.5, 0], [1.0, 1.4, 0.5, 0], [0.8, 0.0, 0.0, 7]])
    points = channels.points(np.arange(4.0), samples)
    assert [(p.stamp, p.x, round(p.y, 6)) for p in points] == [(0.0, 0.25, 0.1), (3.0, 0.0, 1.0)]
    assert GazeChannels.of(("left_x", "left_y")) is None


def test_a_stream_is_heard_with_its_stamps_and_another_kind_is_passed_over(source_id):
    other = outlet(source_id + "-other", ("pupil_diameter",))
    gaze = outlet(source_id)
    heard = []
    listener = GazeListener(heard.append).launch()
    begun = time.monotonic()
    sent = []
    while len(heard) < 3 and time.monotonic() - begun < 15:
        sent.append(pylsl.local_clock())
        gaze.push_sample([1.0, 0.5, 0.25, 0.0], sent[-1])
        other.push_sample([3.0])
        time.sleep(0.02)
    listener.stop()
    assert listener.failure is None
    assert len(heard) >= 3
    assert min(abs(heard[0].stamp - stamp) for stamp in sent) < 0.01
    assert (heard[0].x, heard[0].y) == (0.5, 0.75)
