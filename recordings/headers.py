"""How each kind of stream describes itself in a session's XDF, in the terms LSL's tools know."""

from __future__ import annotations

from realtime.types import EegInfo
from recordings.xdf_writer import StreamHeader

FRAME_NUMBERS = "VideoExternal"


def eeg_header(info: EegInfo, format: str = "float32") -> StreamHeader:
    """An EEG stream with its labels and unit."""
    channels = [{"label": label, "unit": info.unit, "type": "EEG"} for label in info.labels]
    return StreamHeader(
        name=info.name,
        type=info.type,
        n_channels=info.n_channels,
        rate_nominal=info.rate_nominal,
        format=format,
        source_id=info.source_id,
        host=info.host,
        description={"channels": {"channel": channels}},
    )


def marker_header(name: str = "Markers", source_id: str = "markers") -> StreamHeader:
    """A stream of events: one text each."""
    return StreamHeader(name, "Markers", 1, 0.0, "string", source_id)


def video_header(
    name: str,
    file: str,
    codec: str,
    width: int,
    height: int,
    stamp_source: str = "",
    offset_mean_s: float = 0.0,
    source_id: str = "",
) -> StreamHeader:
    """A stream with the number of each frame of a video file at the time it was captured.

    Parameters
    ----------
    file : str
        Name relative to the XDF.
    offset_mean_s : float
        How much later than the light the camera stamps; readers subtract it.
    """
    return StreamHeader(
        name=name,
        type=FRAME_NUMBERS,
        n_channels=1,
        rate_nominal=0.0,
        format="int32",
        source_id=source_id or name,
        description={
            "video": {"file": file, "codec": codec, "width": str(width), "height": str(height)},
            "acquisition": {"stamp_source": stamp_source},
            "synchronization": {"can_drop_samples": "true", "offset_mean": repr(float(offset_mean_s))},
        },
    )
