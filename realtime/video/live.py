"""What live picture sources share: a thread drains the device, and the newest frame is handed over."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.errors import PhospheneError, VideoError
from realtime.latest import Latest
from realtime.time.clock import Clock, LslClock
from realtime.time.rate import RateMeter
from realtime.types import Frame, StreamState, VideoHealth, VideoInfo
from realtime.video.calibration import load_offset
from realtime.worker import Worker

STALL_S = 1.0
_RETRY_S = 0.5


class VideoDevice(Protocol):
    """A camera as the grab thread sees it. After `open` returned, all calls come from that thread."""

    def open(self) -> VideoInfo:
        """Connect; VideoError where that fails. Called again after a loss."""
        ...

    def grab(self) -> tuple[NDArray[np.uint8], float]:
        """Wait for the next frame: picture (height, width, 3) RGB and stamp; VideoError after a loss."""
        ...

    @property
    def stamp_source(self) -> str:
        """Where the stamps come from."""
        ...

    @property
    def damaged(self) -> int:
        """Pictures that came and could not be shown."""
        ...

    def close(self) -> None:
        """Let go of the device."""
        ...


class LiveVideo:
    """Frames that come when they come: the newest wins, one that nobody took in time is dropped and counted.

    A device that is lost is opened again every half second for as long as the source lives; until then
    its state is LOST and the health's note says why. `read` and `close` are called by one thread, `health`
    by any.

    Parameters
    ----------
    device : VideoDevice
    clock : Clock
        The clock of the stamps.
    """

    def __init__(self, device: VideoDevice, clock: Clock | None = None):
        self._device = device
        self._clock = clock or LslClock()
        self._newest: Latest[Frame] = Latest()
        self._arrived = threading.Event()
        self._closing = threading.Event()
        self._rate = RateMeter()
        self._info: VideoInfo | None = None
        self._worker: Worker | None = None
        self._connected = False
        self._loss = ""
        self._seq = -1
        self._taken = 0
        self._dropped = 0

    def open(self) -> VideoInfo:
        """Open the device and begin to grab. What was calibrated for it stands in what is returned.

        Raises
        ------
        VideoError
        ConfigError
            The file of calibrations is damaged.
        """
        try:
            self._info = _calibrated(self._device.open())
        except PhospheneError:
            self._device.close()
            raise
        self._connected = True
        self._worker = Worker(f"video {self._info.name}", self._step, self._leave).start()
        return self._info

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """Return the newest frame if it was not read before, waiting up to `timeout_s` for one; None if none.

        Raises
        ------
        WorkerFailed
            The grab thread died; its exception is the cause.
        """
        self._arrived.clear()
        newest = self._newest.newer_than(self._taken)
        if newest is None and timeout_s > 0 and self._worker is not None and self._worker.alive:
            self._arrived.wait(timeout_s)
            newest = self._newest.newer_than(self._taken)
        if newest is None:
            if self._worker is not None:
                self._worker.raise_failure()
            return None
        self._dropped += newest.seq - self._taken - 1
        self._taken = newest.seq
        return newest.value

    def health(self) -> VideoHealth:
        """State of the camera and its counts; any thread may ask."""
        info = self._info or VideoInfo("", 0, 0, 0.0, "")
        slot = self._newest.get()
        age_s = float("inf") if slot is None else self._clock.now() - slot.value.stamp
        height, width = (info.height, info.width) if slot is None else slot.value.image.shape[:2]
        return VideoHealth(
            name=info.name,
            state=self._state(age_s),
            width=width,
            height=height,
            fps_nominal=info.fps_nominal,
            fps_effective=self._rate.per_second,
            frames=self._seq + 1,
            dropped=self._dropped + self._device.damaged,
            age_s=age_s,
            stamp_source=self._device.stamp_source,
            note=self._loss,
        )

    @property
    def finished(self) -> bool:
        """Never: a camera may come back."""
        return False

    def close(self) -> None:
        """Let go of the device."""
        self._closing.set()
        if self._worker is not None:
            self._worker.stop()

    def _state(self, age_s: float) -> StreamState:
        if self._info is not None and not self._connected:
            return StreamState.LOST
        if age_s == float("inf"):
            return StreamState.SEARCHING
        return StreamState.LIVE if age_s < STALL_S else StreamState.STALLED

    def _step(self) -> None:
        """Grab one frame, or connect again after a loss. Runs in the grab thread."""
        try:
            if not self._connected:
                self._device.open()
                self._connected, self._loss = True, ""
            image, stamp = self._device.grab()
        except VideoError as loss:
            self._device.close()
            self._connected, self._loss = False, str(loss)
            self._closing.wait(_RETRY_S)
            return
        self._seq += 1
        self._rate.add(stamp)
        self._newest.put(Frame(image, stamp, self._seq))
        self._arrived.set()

    def _leave(self) -> None:
        self._device.close()
        self._arrived.set()  # a reader that waits learns at once that nothing more will come


def _calibrated(info: VideoInfo) -> VideoInfo:
    """With the offset that was measured for this camera and this kind of stamps, if one was."""
    known = load_offset(info.name, info.stamp_source)
    if known is None:
        return info
    return replace(info, offset_s=known.offset_mean, offset_spread_s=known.offset_spread)
