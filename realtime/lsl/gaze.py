"""Gaze from LSL streams, as it comes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pylsl

from realtime.gaze import TYPE, GazeChannels, GazePoint
from realtime.worker import Worker

_LOOK_S = 0.02
_FORGET_S = 5.0
_ANSWER_S = 2.0


class GazeListener:
    """Listens to every gaze stream, whenever it is there; one without `norm_pos` channels is passed over.

    Parameters
    ----------
    heard : callable
        Given each point, its stamp on our LSL clock, in the listener's thread.
    """

    def __init__(self, heard: Callable[[GazePoint], None]):
        self._heard = heard
        self._resolver: pylsl.ContinuousResolver | None = None
        self._inlets: dict[str, tuple[pylsl.StreamInlet, GazeChannels] | None] = {}
        self._worker = Worker("gaze", self._listen, on_exit=self._let_go)

    def launch(self) -> GazeListener:
        """Begin to listen, in a thread."""
        self._worker.start()
        return self

    def stop(self) -> None:
        """Stop listening and let go of the streams."""
        self._worker.stop()

    @property
    def failure(self) -> BaseException | None:
        """What ended the listener, or None."""
        return self._worker.failure

    def _listen(self) -> None:
        if self._resolver is None:
            self._resolver = pylsl.ContinuousResolver(pred=f"type='{TYPE}'", forget_after=_FORGET_S)
        for info in self._resolver.results():
            if info.uid() not in self._inlets:
                self._inlets[info.uid()] = _opened(info)
        for uid, opened in list(self._inlets.items()):
            if opened is None:
                continue
            try:
                self._take(*opened)
            except (pylsl.util.LostError, pylsl.util.TimeoutError):
                self._inlets.pop(uid)
        self._worker.wait(_LOOK_S)

    def _take(self, inlet: pylsl.StreamInlet, channels: GazeChannels) -> None:
        samples, stamps = inlet.pull_chunk(timeout=0.0, as_numpy=True)
        if len(stamps):
            offset = inlet.time_correction(timeout=_ANSWER_S)
            for point in channels.points(np.asarray(stamps) + offset, np.asarray(samples, np.float64)):
                self._heard(point)

    def _let_go(self) -> None:
        self._inlets.clear()
        self._resolver = None


def _opened(found: pylsl.StreamInfo) -> tuple[pylsl.StreamInlet, GazeChannels] | None:
    """Return an inlet and where the gaze is in its samples; None where it has none, or does not answer."""
    if found.channel_format() == pylsl.cf_string:
        return None
    inlet = pylsl.StreamInlet(found, max_buflen=60, recover=False)
    try:
        labels = inlet.info(timeout=_ANSWER_S).get_channel_labels() or ()
    except (pylsl.util.LostError, pylsl.util.TimeoutError):
        return None
    channels = GazeChannels.of([label or "" for label in labels])
    return None if channels is None else (inlet, channels)
