"""The LSL streams there are. None is opened to find out."""

from __future__ import annotations

from realtime.lsl.selector import StreamSummary


def list_all_streams(wait_s: float = 1.0) -> list[StreamSummary]:
    """Every LSL stream that answers within `wait_s` seconds, by name."""
    import pylsl

    found = [StreamSummary.of(info) for info in pylsl.resolve_streams(wait_s)]
    return sorted(found, key=lambda stream: (stream.name, stream.type, stream.host, stream.source_id))


def list_eeg_streams(wait_s: float = 1.0) -> list[StreamSummary]:
    """Those that say they are EEG and send samples at a regular rate."""
    return [
        stream
        for stream in list_all_streams(wait_s)
        if stream.type.upper() == "EEG" and stream.rate_nominal > 0 and stream.format != "string"
    ]
