"""How each kind of stream describes itself in a session's XDF, in the terms LSL's tools know."""

from __future__ import annotations

import math
from collections.abc import Sequence

from realtime.eeg.channels import kinds_of, units_of
from realtime.feedback.controller import Feedback
from realtime.types import Attention, EegInfo, OtherReading, Reading, VideoInfo
from recordings.xdf.writer import StreamHeader

FRAME_NUMBERS = "VideoExternal"
MARKERS = "Markers"
FEEDBACK = "Feedback"
READINGS = "Phosphene readings"
ATTENTION = "Phosphene attention"

_READING_CHANNELS = (
    "seq", "interval", "emitted_s", "similarity", "match", "chance_low", "chance_high", "percentile",
    "two_way", "gate", "eeg_valid_share", "video_valid_share",
)  # fmt: skip
_OTHER_CHANNELS = ("similarity", "match", "share", "video_valid_share")  # of each further video, numbered

_FEEDBACK_CHANNELS = (
    "similarity", "match", "feedback", "emitted_s", "value", "threshold", "position", "good",
)  # fmt: skip


def eeg_header(info: EegInfo, format: str = "float32") -> StreamHeader:
    """Describe an EEG stream with the label, unit, kind and scaling factor of each channel."""
    rows = zip(info.labels, units_of(info), kinds_of(info), strict=True)
    channels = [{"label": label, "unit": unit, "type": kind.upper()} for label, unit, kind in rows]
    for channel, scale in zip(channels, info.scales, strict=False):
        channel["scaling_factor"] = repr(scale)
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


def marker_header() -> StreamHeader:
    """Describe a stream of events: one text each."""
    return StreamHeader(MARKERS, "Markers", 1, 0.0, "string", "markers")


def readings_header(n_videos: int = 1, electrodes: Sequence[str] = ()) -> StreamHeader:
    """Describe a stream of what the program said, one sample for each interval at the interval's end.

    With the share of the interval at which each electrode was there, where they are named.
    """
    more = [f"{label}{n}" for n in range(2, n_videos + 1) for label in _OTHER_CHANNELS]
    shares = [f"valid share of {name}" for name in electrodes]
    channels = [{"label": label} for label in (*_READING_CHANNELS, *more, *shares)]
    return StreamHeader(
        READINGS, "Readings", len(channels), 0.0, "double64", "phosphene-readings",
        description={"channels": {"channel": channels}},
    )  # fmt: skip


def attention_header(shape: tuple[int, int]) -> StreamHeader:
    """Describe a stream of what was attended: for each reading its certainty and the share of each place.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of places; they follow row by row from the top.
    """
    rows, columns = shape
    places = [f"row{r + 1} column{c + 1}" for r in range(rows) for c in range(columns)]
    return StreamHeader(
        ATTENTION, "Attention", 1 + rows * columns, 0.0, "double64", "phosphene-attention",
        description={
            "places": {"rows": str(rows), "columns": str(columns)},
            "channels": {"channel": [{"label": label} for label in ("certainty", *places)]},
        },
    )  # fmt: skip


def attention_row(attention: Attention) -> list[float]:
    """Turn the attention of a reading into a sample of that stream; nan where the certainty is not known."""
    certainty = math.nan if attention.certainty is None else attention.certainty
    return [certainty, *attention.places.ravel().tolist()]


def reading_row(reading: Reading, n_videos: int = 1) -> list[float]:
    """Turn a reading into a sample of that stream; nan where chance is unknown or a video was missing."""
    chance = reading.chance
    low, high = chance.band or (math.nan, math.nan)
    return [
        reading.seq,
        reading.index,
        reading.emitted,
        reading.similarity,
        reading.match,
        low,
        high,
        math.nan if chance.percentile is None else chance.percentile,
        math.nan if chance.two_way is None else chance.two_way,
        reading.gate,
        reading.eeg_valid_share,
        reading.video_valid_share,
        *(value for n in range(n_videos - 1) for value in _other_row(reading.others[n : n + 1])),
    ]


def feedback_header(parameters: str) -> StreamHeader:
    """Describe a stream of the feedback given, one sample for each reading at its interval's end.

    Parameters
    ----------
    parameters : str
        Of the controller, as JSON.
    """
    channels = [{"label": label} for label in _FEEDBACK_CHANNELS]
    return StreamHeader(
        FEEDBACK, "Feedback", len(channels), 0.0, "double64", "phosphene-feedback",
        description={"parameters": parameters, "channels": {"channel": channels}},
    )  # fmt: skip


def feedback_row(feedback: Feedback, emitted: float) -> list[float]:
    """Feedback as a sample of that stream, with the time it had left by; nan for no threshold yet."""
    return [
        feedback.similarity,
        feedback.match,
        feedback.level,
        emitted,
        feedback.value,
        math.nan if feedback.threshold is None else feedback.threshold,
        feedback.position,
        float(feedback.good),
    ]


def _other_row(other: Sequence[OtherReading]) -> list[float]:
    """One further video's values, or none known."""
    if not other:
        return [math.nan] * len(_OTHER_CHANNELS)
    (video,) = other
    known = (video.similarity, video.match) if video.enough else (math.nan, math.nan)
    return [*known, video.share, video.video_valid_share]


def video_stream(number: int) -> str:
    """Name a session's video, and its file: `video` for the main one, then `video2` and so on."""
    return f"video{number + 1}" if number else "video"


def video_header(name: str, file: str, codec: str, info: VideoInfo, source_id: str = "") -> StreamHeader:
    """Describe a stream with two numbers of each frame at its capture: in the file, and in its source.

    The second tells what a recording has dropped, and lets a replay number the frames as they were live.

    Parameters
    ----------
    file : str
        Name relative to the XDF.
    info : VideoInfo
        Size, source of the stamps, and how much later than the light those are: readers subtract it.
    """
    offset = {"offset_mean": repr(float(info.offset_s)), "offset_spread": repr(float(info.offset_spread_s))}
    return StreamHeader(
        name=name,
        type=FRAME_NUMBERS,
        n_channels=2,
        rate_nominal=0.0,
        format="double64",
        source_id=source_id or name,
        description={
            "video": {"file": file, "codec": codec, "width": str(info.width), "height": str(info.height)},
            "channels": {"channel": [{"label": "frame"}, {"label": "number in the source"}]},
            "acquisition": {"stamp_source": info.stamp_source},
            "synchronization": {"can_drop_samples": "true", **offset},
        },
    )
