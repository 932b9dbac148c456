"""The frames of a playlist, each at its time: what the stimulus player shows."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gui.stimulus.playlist import Blank, FilmItem, Item, Question, Still
from gui.stimulus.words import picture_of
from realtime.errors import VideoError
from realtime.time.clock import Clock
from realtime.types import Frame, VideoHealth, VideoInfo
from realtime.video.file import FileCamera
from realtime.video.flashes import MOST, film_flashes
from realtime.video.opencv import cv2

_STILL_FPS = 10.0  # of what stands: a frame counts as on show for a second at most
_USUAL = (1280, 720)  # where there is neither film nor picture


class Programme:
    """Plays items one after another as one source of frames, all of the first film's (or picture's) size.

    Frames are numbered on through the items. `read` is called by one thread; any may call `answer`, `health`
    and `close`.

    Parameters
    ----------
    items : sequence of Item
    loop : bool
        Begin again at the end.
    clock : Clock

    Attributes
    ----------
    speed : float
        How fast films play, above 0.
    warning : str
        What is to be said before it begins: that it flashes. Known after `open`.
    """

    def __init__(self, items: Sequence[Item], loop: bool, clock: Clock):
        self.items, self.speed, self.warning = tuple(items), 1.0, ""
        self._loop, self._clock = loop, clock
        self._film: FileCamera | None = None
        self._pictures: dict[Item, NDArray[np.uint8]] = {}
        self._events: dict[int, str] = {}  # by the number of the frame it comes on with
        self._seq = -1
        self._answered = threading.Event()
        self._closed = self._ended = False
        self._frames: Iterator[Frame | None] = iter(())
        self._timeout_s = 0.0
        self._info = VideoInfo(self.name, 0, 0, 0.0, "file")

    @property
    def name(self) -> str:
        """The film's name, or how many items there are."""
        (first, *more) = self.items
        return first.path.name if isinstance(first, FilmItem) and not more else f"{len(self.items)} items"

    def open(self) -> VideoInfo:
        """Look at every item; returns the size all of them are shown in.

        Raises
        ------
        VideoError
            A film does not open (see `FileCamera.open`), or a picture is none.
        """
        infos = {item: self._look_at(item.path) for item in self.items if isinstance(item, FilmItem)}
        stills = {item: _still(item.path) for item in self.items if isinstance(item, Still)}
        first = next(iter(infos.values()), None)
        size = (first.width, first.height) if first else _USUAL
        if first is None and stills:
            height, width = next(iter(stills.values())).shape[:2]
            size = (width, height)
        self._info = VideoInfo(self.name, *size, first.fps_nominal if first else _STILL_FPS, "file")
        for item in self.items:
            if not isinstance(item, FilmItem):
                words = picture_of(item.text, 36)[..., 2::-1] if isinstance(item, Question) else None
                shown = stills[item] if isinstance(item, Still) else words
                self._pictures[item] = fitted_into(shown, size)
        self._frames = self._all_frames()
        return self._info

    def _look_at(self, path: Path) -> VideoInfo:
        film = FileCamera(path, loop=False, clock=self._clock)
        info = film.open()
        film.close()
        flashes = film_flashes(path)
        if flashes > MOST:
            self.warning = (
                f"⚠ Flashing light. {path.name} flashes up to {flashes:.0f} times a second, which can "
                "trigger seizures in people with photosensitive epilepsy. Press Escape to leave it."
            )
        return info

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """Return the newest frame that is due, waiting up to `timeout_s` for it; None if none is.

        Raises
        ------
        WorkerFailed
            A film cannot be read any more.
        """
        self._timeout_s = timeout_s
        return next(self._frames, None)

    def events_until(self, seq: int) -> list[str]:
        """Return what has come on with the frame of this number, or with one before that was passed over."""
        return [self._events.pop(number) for number in sorted(self._events) if number <= seq]

    def answer(self, key: str) -> str | None:
        """Take a key; returns what it answers, or None where no question that knows it is shown."""
        item = self._item
        asked = isinstance(item, Question) and bool(key) and key.lower() in item.keys
        if not asked or self._answered.is_set():
            return None
        self._answered.set()
        return f"answer: {key.lower()}"

    _item: Item | None = None

    def _all_frames(self) -> Iterator[Frame | None]:
        """Yield what each `read` returns."""
        while not self._closed:
            for item in self.items:
                self._item, first = item, self._seq + 1
                self._events[first] = item.event
                self._answered.clear()
                if isinstance(item, FilmItem):
                    yield from self._film_frames(item.path)
                else:
                    yield from self._standing(item)
            if not self._loop:
                break
        self._item, self._ended = None, True

    def _film_frames(self, path: Path) -> Iterator[Frame | None]:
        film = self._film = FileCamera(path, loop=False, clock=self._clock)
        film.open()
        before = self._seq + 1
        try:
            while not (film.finished or self._closed):
                film.speed = self.speed
                frame = film.read(self._timeout_s)
                if frame is not None:
                    self._seq = before + frame.seq
                    frame = Frame(fitted_into(frame.image, self._size), frame.stamp, self._seq)
                yield frame
        finally:
            film.close()

    def _standing(self, item: Blank | Still | Question) -> Iterator[Frame | None]:
        """Yield a picture again and again until its time is over, or it is answered."""
        begun, picture = self._clock.now(), self._pictures[item]
        end = float("inf") if isinstance(item, Question) else begun + item.seconds
        due = begun
        while due < end and not (self._closed or self._answered.is_set()):
            now = self._clock.now()
            if now < due:
                self._clock.sleep_until(min(due, now + self._timeout_s))
                yield None
                continue
            self._seq += 1
            yield Frame(picture, due, self._seq)
            due += 1 / _STILL_FPS

    @property
    def _size(self) -> tuple[int, int]:
        return self._info.width, self._info.height

    @property
    def finished(self) -> bool:
        """All was shown."""
        return self._ended

    def health(self) -> VideoHealth:
        """Return the state of the film that plays, or of what stands."""
        info = self._info
        usual = VideoHealth(info.name, width=info.width, height=info.height, fps_nominal=info.fps_nominal)
        film = self._film
        return usual if film is None else replace(film.health(), name=info.name)

    def close(self) -> None:
        """End it."""
        self._closed = True
        if self._film is not None:
            self._film.close()


def fitted_into(image: NDArray[np.uint8] | None, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Fit a picture (height, width, 3) into another size, (width, height), on black; None is black."""
    width, height = size
    if image is not None and image.shape[:2] == (height, width):
        return image
    ground = np.zeros((height, width, 3), np.uint8)
    if image is not None:
        scale = min(width / image.shape[1], height / image.shape[0])
        w, h = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        top, left = (height - h) // 2, (width - w) // 2
        ground[top : top + h, left : left + w] = cv2.resize(image, (w, h), interpolation=how)
    return ground


def _still(path: Path) -> NDArray[np.uint8]:
    """Read a picture: (height, width, 3), RGB.

    Raises
    ------
    VideoError
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise VideoError(f"{path} is no picture that can be read: give a PNG or JPEG")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
