"""What is handed from room to room, by subject: frozen values whose arrays are never written to after."""

from realtime.types.arrays import BoolArray, FloatArray, IndexArray, TimeArray
from realtime.types.health import EegHealth, StreamState, VideoHealth
from realtime.types.pictures import Frame, Rectangle, VideoInfo
from realtime.types.readings import Chance, OtherReading, Reading
from realtime.types.scores import Attention, Interval, OtherScores, Scores
from realtime.types.streams import ClockOffset, EegChunk, EegInfo, RawChunk

__all__ = [
    "Attention",
    "BoolArray",
    "Chance",
    "ClockOffset",
    "EegChunk",
    "EegHealth",
    "EegInfo",
    "FloatArray",
    "Frame",
    "IndexArray",
    "Interval",
    "OtherReading",
    "OtherScores",
    "RawChunk",
    "Reading",
    "Rectangle",
    "Scores",
    "StreamState",
    "TimeArray",
    "VideoHealth",
    "VideoInfo",
]
