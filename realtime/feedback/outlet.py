"""Feedback on its way out: an LSL stream and its markers, and OSC for those who have python-osc."""

from __future__ import annotations

import contextlib
import uuid

from realtime.errors import ConfigError
from realtime.feedback.config import FeedbackConfig
from realtime.feedback.controller import Feedback
from realtime.lsl.outlet import open_outlet
from realtime.time.clock import Clock

CHANNELS = ("similarity", "match", "feedback", "emitted")


class FeedbackOutlet:
    """Feedback over LSL, each sample stamped with the end of its interval.

    Channels: similarity, match, feedback (its level, 0 to 1) and the time the sample left (seconds on the
    LSL clock). Beside it goes a stream of type Markers with what changed. The parameters stand in the
    description of both, so a recording of either tells them.

    Parameters
    ----------
    config : FeedbackConfig
    clock : Clock
        Tells when a sample leaves.
    source_id : str
        Identity of the stream; the markers' is the same and `-markers`. A new one by default.
    """

    def __init__(
        self, config: FeedbackConfig, clock: Clock, source_id: str = "", name: str = "Phosphene feedback"
    ):
        import pylsl

        self.source_id = source_id or f"phosphene-feedback-{uuid.uuid4().hex[:12]}"
        self._clock = clock
        info = pylsl.StreamInfo(
            name, "Feedback", len(CHANNELS), pylsl.IRREGULAR_RATE, pylsl.cf_double64, self.source_id
        )
        info.set_channel_labels(list(CHANNELS))
        marks = pylsl.StreamInfo(
            f"{name} events", "Markers", 1, pylsl.IRREGULAR_RATE, "string", f"{self.source_id}-markers"
        )
        for one in (info, marks):
            one.desc().append_child_value("parameters", config.model_dump_json())
        self._stream: pylsl.StreamOutlet | None = open_outlet(info)
        self._markers: pylsl.StreamOutlet | None = open_outlet(marks)

    def send(self, feedback: Feedback) -> None:
        """Send one feedback; must not block."""
        if self._stream is None or self._markers is None:
            return
        for event in feedback.events:
            self._markers.push_sample([event], feedback.end)
        sample = [feedback.similarity, feedback.match, feedback.level, self._clock.now()]
        self._stream.push_sample(sample, feedback.end)

    def has_consumers(self) -> bool:
        """Whether anybody listens to the stream."""
        return self._stream is not None and self._stream.have_consumers()

    def close(self) -> None:
        """Let go of what it sends with."""
        self._stream = self._markers = None


class OscOutlet:
    """Feedback as OSC messages over UDP.

    `/phosphene/feedback similarity match level`, and `/phosphene/event text` for what changed.

    Parameters
    ----------
    host : str
        This machine by default: what a brain does is nobody else's business unless asked.

    Raises
    ------
    ConfigError
        python-osc is not installed, or there is no such host.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 9000):
        try:
            from pythonosc.udp_client import SimpleUDPClient
        except ImportError:
            raise ConfigError(
                "OSC needs the package python-osc, which is not here: pip install 'phosphene[osc]'"
            ) from None
        try:
            self._client = SimpleUDPClient(host, port)
        except OSError as error:
            raise ConfigError(
                f"no OSC to {host}:{port}: {error}. Give an address such as 127.0.0.1"
            ) from None

    def send(self, feedback: Feedback) -> None:
        """Send one feedback; must not block."""
        values = [feedback.similarity, feedback.match, feedback.level]
        # Nobody promised that a datagram arrives: a network that is away for a while ends no session.
        with contextlib.suppress(OSError):
            for event in feedback.events:
                self._client.send_message("/phosphene/event", event)
            self._client.send_message("/phosphene/feedback", values)

    def close(self) -> None:
        """Let go of what it sends with."""
        self._client.close()
