"""What a user may choose of a recording."""

from __future__ import annotations

from pydantic import Field

from realtime.config import Frozen


class RecordingOptions(Frozen):
    """How a recording is written.

    `codec` and `codec_options` are FFmpeg's (`libx264` with `{"crf": "18"}`, `ffv1`, …). Samples wait in at
    most `queue_mb` megabytes of memory and pictures in at most `pictures_mb`: a second of 1920 x 1080 is 190,
    and a session begins with what has come while its network was loaded. Below `warn_free_mb` on the
    disk a warning is shown, below `stop_free_mb` the recording ends while everything can still be closed.
    `entities` say whose and which recording it is (`{"sub": "01", "task": "film"}`) and go into the manifest,
    and so do `notes`, whatever a person wants to say of it.
    """

    codec: str = "libx264"
    codec_options: dict[str, str] = Field(default_factory=dict)
    queue_mb: float = Field(default=64.0, gt=0)
    pictures_mb: float = Field(default=600.0, gt=0)
    warn_free_mb: float = Field(default=2000.0, ge=0)
    stop_free_mb: float = Field(default=200.0, ge=0)
    entities: dict[str, str] = Field(default_factory=dict)
    notes: str = ""
