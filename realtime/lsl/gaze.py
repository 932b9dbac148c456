"""Gaze from LSL streams, as it comes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pylsl

from realtime.gaze import TYPE, GazeChannels, GazePoint
from realtime.lsl.listener import ANSWER_S, StreamListener

_LOOK_S = 0.02
_Gaze = tuple[pylsl.StreamInlet, GazeChannels]


class GazeListener(StreamListener[_Gaze]):
    """Listens to every gaze stream, whenever it is there; one without `norm_pos` channels is passed over.

    Parameters
    ----------
    heard : callable
        Given each point, its stamp on our LSL clock, in the listener's thread.
    """

    def __init__(self, heard: Callable[[GazePoint], None]):
        super().__init__("gaze", f"type='{TYPE}'", _LOOK_S)
        self._heard = heard

    def open(self, found: pylsl.StreamInfo) -> _Gaze | None:
        """Open a stream, and find where the gaze is in its samples; None where it is not, or it is silent."""
        if found.channel_format() == pylsl.cf_string:
            return None
        inlet = pylsl.StreamInlet(found, max_buflen=60, recover=False)
        try:
            labels = inlet.info(timeout=ANSWER_S).get_channel_labels() or ()
        except (pylsl.util.LostError, pylsl.util.TimeoutError):
            return None
        channels = GazeChannels.of([label or "" for label in labels])
        return None if channels is None else (inlet, channels)

    def take(self, opened: _Gaze) -> None:
        """Hand on what the stream has sent."""
        inlet, channels = opened
        samples, stamps = inlet.pull_chunk(timeout=0.0, as_numpy=True)
        if len(stamps):
            offset = inlet.time_correction(timeout=ANSWER_S)
            for point in channels.points(np.asarray(stamps) + offset, np.asarray(samples, np.float64)):
                self._heard(point)
