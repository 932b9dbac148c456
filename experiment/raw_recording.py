"""Records LSL streams as they are, without EEG or video that anything would be made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiment.interrupt import interruptible
from experiment.recording import ALL_STREAMS
from realtime.lsl.isolation import hush
from realtime.lsl.selector import StreamSelector
from realtime.time.clock import LslClock, check_lsl_clock
from recordings.lsl_streams import LslStreams
from recordings.recorder import Recorder
from recordings.session.naming import session_folder
from recordings.session.options import RecordingOptions


def record_raw(
    root: Path,
    streams: Sequence[str],
    options: RecordingOptions,
    template: str,
    seconds: float | None = None,
) -> dict[str, Any]:
    """Record until Ctrl-C, or for some seconds; returns what it came to.

    Whatever the rate, the format and the values of a stream: nothing is made of them.

    Parameters
    ----------
    streams : sequence of str
        Selections, `ALL_STREAMS` among them for everything on the network.

    Raises
    ------
    StreamNotFound
        A selection finds nothing.
    ConfigError, SessionError
        See `Recorder`.
    """
    hush()
    check_lsl_clock()
    clock = LslClock()
    selectors = [StreamSelector.parse(text) for text in streams if text != ALL_STREAMS]
    others = LslStreams(selectors, everything=ALL_STREAMS in streams)
    folder = session_folder(root, options.entities, template)
    recorder = Recorder(folder, {}, others=others.open(), options=options).start()
    others.feed(recorder)
    deadline = None if seconds is None else clock.now() + seconds
    with interruptible() as interrupted:
        while not interrupted.is_set() and recorder.failure is None:
            if deadline is not None and clock.now() >= deadline:
                break
            interrupted.wait(0.05)
    others.close()
    recorder.close()
    failure = [str(recorder.failure)] if recorder.failure is not None else []
    return {
        "recordings": [str(folder)],
        "samples": {name: n for name, n in recorder.health().samples.items() if n},
        "errors": [*failure, *recorder.losses],
        "warnings": list(dict.fromkeys([*others.warnings, *recorder.warnings, *recorder.restored])),
    }
