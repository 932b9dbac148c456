"""Which of several objects is found attended, on its way out over LSL."""

from __future__ import annotations

import uuid

from realtime.lsl.outlet import open_outlet
from realtime.time.clock import Clock

CHANNELS = ("object", "certainty", "emitted")


class AttendedOutlet:
    """The object found attended, a sample for each reading, stamped with the end of its interval.

    Channels: the object's number from 0, or -1 where none stands out; how certain that is, 0 to 1; and the
    time the sample left (seconds on the LSL clock).

    Parameters
    ----------
    clock : Clock
        Tells when a sample leaves.
    source_id : str
        Identity of the stream; a new one by default.
    """

    def __init__(self, clock: Clock, source_id: str = "", name: str = "Phosphene attended object"):
        import pylsl

        self.source_id = source_id or f"phosphene-attended-{uuid.uuid4().hex[:12]}"
        self._clock = clock
        info = pylsl.StreamInfo(
            name, "Feedback", len(CHANNELS), pylsl.IRREGULAR_RATE, pylsl.cf_double64, self.source_id
        )
        info.set_channel_labels(list(CHANNELS))
        self._stream: pylsl.StreamOutlet | None = open_outlet(info)

    def send(self, index: int | None, certainty: float, end: float) -> None:
        """Send what an interval that ends at `end` has shown; nothing after `close`."""
        if self._stream is not None:
            number = -1.0 if index is None else float(index)
            self._stream.push_sample([number, certainty, self._clock.now()], end)

    def has_consumers(self) -> bool:
        """Return whether anybody listens to the stream."""
        return self._stream is not None and self._stream.have_consumers()

    def close(self) -> None:
        """End the stream."""
        self._stream = None
