"""What happens in the film and when: shots that are cut to, and events within them.

Shots last 1.6 to 6.4 s. An event comes every 0.3 to 1.2 s: a token pops up, a fifth of them with a soft
pulse of light, a sixth with a push of the camera. One token in three is a face. No more than three pulses
fall in any second (WCAG 2.2, 2.3.1), and none reaches the contrast that counts as a flash there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import tau

from realtime.virtual.timeline import Moments, chance

Colour = tuple[int, int, int]

SCENES = ("drift", "pond", "hills", "mosaic")
KINDS = ("disc", "ring", "flower", "box", "face", "face")
"""What a token can be; one in three is a face."""

_CUTS, _EVENTS, _SHOT, _EVENT = range(4)


@dataclass(frozen=True)
class Palette:
    """Colours that belong together. The first of the tokens is the sun's too; ink is for small marks."""

    top: Colour
    bottom: Colour
    land: Colour
    tokens: tuple[Colour, ...]
    ink: Colour


def _palette(top: str, bottom: str, land: str, tokens: str, ink: str) -> Palette:
    def rgb(code: str) -> Colour:
        return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)

    return Palette(rgb(top), rgb(bottom), rgb(land), tuple(map(rgb, tokens.split())), rgb(ink))


PALETTES = (
    _palette("101a36", "33426f", "6b7fc4", "fca311 f1ead8 ef6f6c", "101a36"),  # night
    _palette("ffe3cf", "f7b9a1", "8d6a9f", "e5566a fff6ea 355070", "3b2c4f"),  # dawn
    _palette("083640", "17818a", "4fb3ac", "fc7a57 fcf3e3 f9c784", "083640"),  # sea
    _palette("eef5ea", "b9dcc4", "5b9a7b", "f4a259 fffdf5 c8504c", "20413a"),  # meadow
    _palette("2a1a3d", "6b3f78", "a55c94", "ffd58a f7b2bd 7fd1ae", "2a1a3d"),  # plum
    _palette("f7ead0", "e8c48f", "c98b5a", "e76f51 fff8ea 2a9d8f", "3a2a20"),  # sand
    _palette("2f3350", "7679a0", "8f7fa8", "f2cc8f e07a5f 9ccbb0", "262a44"),  # dusk
)


@dataclass(frozen=True)
class Shot:
    """One take: where, in which light, and how the camera moves (picture heights a second)."""

    index: int
    start: float
    scene: str
    palette: Palette
    pan: float
    seed: int


@dataclass(frozen=True)
class Event:
    """A token that pops up at (x, y), x and y from 0 to 1 over the picture, and goes again after `life` s."""

    index: int
    start: float
    life: float
    kind: str
    x: float
    y: float
    size: float
    colour: int
    angle: float
    speed: float
    pulse: float
    push: float


@dataclass(frozen=True)
class Script:
    """The whole film of one seed, at any moment of the clock."""

    seed: int

    @property
    def cuts(self) -> Moments:
        """When shots begin."""
        return Moments(4.0, 0.6, self.seed, _CUTS)

    @property
    def events(self) -> Moments:
        """When tokens pop up."""
        return Moments(0.75, 0.6, self.seed, _EVENTS)

    def shot_at(self, time: float) -> Shot:
        """Return the shot on show at `time`."""
        return _shot(self, self.cuts.index_at(time))

    def event(self, index: int) -> Event:
        """Return event `index`."""
        return _event(self, index)

    def events_between(self, start: float, stop: float) -> Iterator[Event]:
        """Give the events that begin in [start, stop), in order."""
        return (_event(self, index) for index in self.events.between(start, stop))


@lru_cache(maxsize=256)
def _shot(script: Script, index: int) -> Shot:
    def draw(what: int) -> float:
        return chance(script.seed, _SHOT, index, what)

    # Neither light nor place repeats at a cut, so every cut is one.
    place, light = _step(script.seed, index, 0, len(SCENES)), _step(script.seed, index, 1, len(PALETTES))
    return Shot(
        index,
        script.cuts.start(index),
        SCENES[place],
        PALETTES[light],
        (draw(2) - 0.5) * 0.2,
        int(draw(3) * 2**32),
    )


def _step(seed: int, index: int, what: int, n: int) -> int:
    """Draw 0 to n-1, another than its neighbours: even indices draw freely, odd ones avoid them."""

    def free(i: int) -> int:
        return int(chance(seed, _SHOT, i, what) * n)

    if index % 2 == 0:
        return free(index)
    left = [i for i in range(n) if i not in (free(index - 1), free(index + 1))]
    return left[int(chance(seed, _SHOT, index, what) * len(left))]


@lru_cache(maxsize=1024)
def _event(script: Script, index: int) -> Event:
    def draw(what: int) -> float:
        return chance(script.seed, _EVENT, index, what)

    luck = draw(8)
    return Event(
        index=index,
        start=script.events.start(index),
        life=1.3 + 1.5 * draw(0),
        kind=KINDS[int(draw(1) * len(KINDS))],
        x=0.1 + 0.8 * draw(2),
        y=0.18 + 0.62 * draw(3),
        size=0.07 + 0.11 * draw(4) ** 1.5,
        colour=int(draw(5) * 3),
        angle=draw(6) * tau,
        speed=0.08 + 0.4 * draw(7),
        pulse=0.6 + 0.4 * draw(9) if luck < 0.2 else 0.0,
        push=(draw(9) * 0.24 - 0.12) if luck > 0.83 else 0.0,
    )
