"""Pictures of a session's videos, evenly apart, with what was attended laid over the main one."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from realtime.errors import PhospheneError
from realtime.video.frames import shrink
from realtime.video.opencv import cv2
from recordings.report.svg import Words
from recordings.session.outcome import PlacesAttended
from recordings.session.session import Session
from recordings.video.files import VideoReader

SURE = 0.95  # certainty from which on a place stands out: as in the window
_STILLS, _STILL_PX = 12, 96
_FULL_RATIO = 3.0  # times its even share at which a place is laid over strongest
_MOST_OPAQUE, _FAINT, _GREY = 0.62, 0.22, 190
_DARK_END = 0.35  # of the colours, which would darken the picture instead of marking it
_NEAR_S = 2.5  # a map belongs to a picture of its interval


def film_strips(session: Session, words: Words, attended: PlacesAttended | None = None) -> str:
    """Write pictures of each video in the order of time, evenly apart.

    Parameters
    ----------
    words : callable
        Says when a second of the session was.
    attended : PlacesAttended, optional
        Laid over the main video's.
    """
    times = session.start + (np.arange(_STILLS) + 0.5) / _STILLS * session.duration
    strips = []
    for number, info in enumerate(session.video_streams):
        try:
            track = session.video(f"id={info.stream_id}")
            at = np.clip(np.searchsorted(track.times, times, side="right") - 1, 0, None)
            with VideoReader(track.path) as reader:
                images = [reader.frame(int(k)) for k in track.frame_index[at]]
        except PhospheneError:
            continue  # the audit has said so
        shown = [
            _still(image, float(when - session.start), words, attended if number == 0 else None)
            for image, when in zip(images, times, strict=True)
            if image is not None
        ]
        strips.append(f'<div class="strip">{"".join(shown)}</div>')
    return "".join(strips)


def _still(image: NDArray[np.uint8], second: float, words: Words, attended: PlacesAttended | None) -> str:
    small, tip = shrink(image, _STILL_PX), f"on show at {words(round(second))}"
    places = attended.at(second, _NEAR_S) if attended is not None else None
    if places is not None:
        share, certainty = places
        small = laid_over(small, share, sure=certainty >= SURE)
        tip += f"; the leading place stands out: {certainty:.0%}" if np.isfinite(certainty) else ""
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    data = base64.b64encode(jpeg.tobytes()).decode()
    return f'<img src="data:image/jpeg;base64,{data}" alt="{tip}" title="{tip}">'


def laid_over(image: NDArray[np.uint8], places: NDArray[np.float64], *, sure: bool) -> NDArray[np.uint8]:
    """Lay the attention over a picture, as the window does.

    A place at its even share leaves the picture as it is; what does not stand out from chance is grey.

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8 RGB
    places : array of shape (rows, columns), shares

    Returns
    -------
    array of shape (height, width, 3), uint8 RGB
    """
    strength = np.clip((places * places.size - 1) / (_FULL_RATIO - 1), 0, 1)
    level = np.round(255 * (_DARK_END + (1 - _DARK_END) * strength)).astype(np.uint8)
    colour = np.full((*places.shape, 3), _GREY, np.uint8)
    if sure:
        colour = cv2.cvtColor(cv2.applyColorMap(level, cv2.COLORMAP_CIVIDIS), cv2.COLOR_BGR2RGB)
    opacity = (_MOST_OPAQUE if sure else _FAINT) * np.sqrt(strength)
    size = image.shape[1], image.shape[0]
    over = cv2.resize(colour, size, interpolation=cv2.INTER_LINEAR).astype(np.float64)
    alpha = cv2.resize(opacity, size, interpolation=cv2.INTER_LINEAR)[..., None]
    return np.asarray(np.round(over * alpha + image * (1 - alpha)), np.uint8)
