"""Draws one moment of the film: a place, its tokens, and the light over them."""

from __future__ import annotations

from functools import lru_cache
from math import cos, exp, pi, sin

import numpy as np
from numpy.typing import NDArray

from realtime.video.opencv import cv2
from realtime.virtual.film import brush
from realtime.virtual.film.brush import Canvas
from realtime.virtual.film.script import Event, Script, Shot
from realtime.virtual.timeline import Moments, chance

_LONGEST_LIFE = 2.8
_SHADE = (8, 8, 24)
_LIGHT = (255, 250, 240)
_TILE = 1 / 3


def draw(script: Script, time: float, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw the film at `time`: shape (height, width, 3), uint8 RGB; `size` is (width, height)."""
    shot = script.shot_at(time)
    canvas = Canvas(_backdrop(shot, size).copy())
    recent = list(script.events_between(max(shot.start, time - 2 * _LONGEST_LIFE), time + 1e-9))
    camera = shot.pan * (time - shot.start) + sum(
        event.push * _settle(time - event.start) for event in recent
    )
    _PLACES[shot.scene](canvas, shot, time, camera, recent)
    for event in recent:
        if time - event.start < event.life:
            _token(canvas, shot, event, time - event.start, camera)
    light = sum(event.pulse * _glow(time - event.start) for event in recent)
    planes = canvas.planes.reshape(3 * canvas.height, canvas.width)
    lit = cv2.convertScaleAbs(planes, alpha=1 + 0.16 * light, beta=14 * light)
    return np.asarray(cv2.merge(list(lit.reshape(canvas.planes.shape))), np.uint8)


def _settle(age: float) -> float:
    """Return how far a push has gone: quickly there, slowly back."""
    return (1 - exp(-age / 0.18)) * exp(-age / 1.6)


def _glow(age: float) -> float:
    return (1 - exp(-age / 0.03)) * exp(-age / 0.22)


def _pop(age: float, life: float) -> float:
    """Return the size of a token by age: out with a small overshoot (Penner's back ease), gone in the end."""
    rise = min(age / 0.24, 1) - 1
    size = 1 + 2.7 * rise**3 + 1.7 * rise**2
    return max(size, 0) * min((life - age) / 0.22, 1)


@lru_cache(maxsize=4)
def _backdrop(shot: Shot, size: tuple[int, int]) -> NDArray[np.float32]:
    """Draw what stands still through a shot: the sky, a wide glow, darker corners."""
    width, height = size
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    top, bottom = (
        np.array(colour, np.float32)[:, None, None] for colour in (shot.palette.top, shot.palette.bottom)
    )
    canvas = Canvas(np.ascontiguousarray(np.broadcast_to(top + (bottom - top) * down, (3, height, width))))
    x, y = canvas.aspect * chance(shot.seed, 1), 0.15 + 0.5 * chance(shot.seed, 2)
    canvas.fill(x, y, 0.95, brush.disc(0.1), shot.palette.bottom, 0.55, soft=0.85)
    canvas.fill(x, y, 0.6, brush.disc(0.05), _LIGHT, 0.2, soft=0.55)
    across = np.linspace(-1, 1, width, dtype=np.float32)
    canvas.planes *= 1 - 0.1 * (across**2 + (2 * down - 1) ** 2)
    return canvas.planes


def _drift(canvas: Canvas, shot: Shot, time: float, camera: float, recent: list[Event]) -> None:
    """Draw out-of-focus lights that wander past."""
    span = canvas.aspect + 0.6
    for i in range(7):

        def luck(what: int, i: int = i) -> float:
            return chance(shot.seed, 10 + i, what)

        depth = 0.4 + luck(0)
        x = (luck(1) * span + camera * depth + 0.03 * sin(time * luck(2) + i)) % span - 0.3
        y = 0.1 + 0.8 * luck(3) + 0.04 * sin(time * (0.3 + luck(4)) + 7 * luck(5))
        radius = 0.05 + 0.13 * luck(6)
        canvas.fill(
            x, y, radius, brush.disc(radius), shot.palette.tokens[i % 3], 0.12 + 0.2 * luck(7), soft=0.04
        )


def _pond(canvas: Canvas, shot: Shot, time: float, camera: float, recent: list[Event]) -> None:
    """Draw slow rings from a source, quick ones where a token fell in, and leaves that float on them."""
    x, y = canvas.aspect * (0.2 + 0.6 * chance(shot.seed, 3)) + camera, 0.3 + 0.4 * chance(shot.seed, 4)
    spread = [(0.22 * i + 0.1 * (time - shot.start)) % 0.88 for i in range(4)]
    rings = [(x, y, radius, 0.35 * (1 - radius / 0.88)) for radius in spread]
    for event in recent:
        ages = (time - event.start, time - event.start - 0.25)
        centre = event.x * canvas.aspect + camera, event.y
        rings += [(*centre, 0.3 * age, 0.7 * exp(-1.4 * age)) for age in ages if 0 < age < 2.5]
    canvas.rings(rings, 0.006, _LIGHT)
    for i in range(4):
        angle = 2 * pi * chance(shot.seed, 20 + i) + 0.12 * time
        far = 0.25 + 0.35 * chance(shot.seed, 30 + i)
        canvas.fill(
            x + 1.3 * far * cos(angle),
            y + far * sin(angle),
            0.14,
            brush.flower(0.075, 0.16, angle + time * 0.2),
            shot.palette.land,
            0.75,
        )


def _hills(canvas: Canvas, shot: Shot, time: float, camera: float, recent: list[Event]) -> None:
    """Draw a low sun and three ranges of hills, the near one faster."""
    sun = canvas.aspect * (0.25 + 0.5 * chance(shot.seed, 3)) + 0.2 * camera
    height = 0.42 + 0.1 * chance(shot.seed, 5) - 0.01 * (time - shot.start)
    canvas.fill(sun, height, 0.4, brush.disc(0.2), shot.palette.tokens[0], 0.3, soft=0.2)
    canvas.fill(sun, height, 0.19, brush.disc(0.17), shot.palette.tokens[0])
    across = (np.arange(canvas.width, dtype=np.float32) + 0.5) / canvas.height
    sky, land, ink = (
        np.array(c, np.float32) for c in (shot.palette.bottom, shot.palette.land, shot.palette.ink)
    )
    for layer in range(3):

        def luck(what: int, layer: int = layer) -> float:
            return chance(shot.seed, 40 + layer, what)

        along = across - camera * (0.5 + 0.6 * layer) + 10 * luck(0)
        edge = (
            0.58
            + 0.13 * layer
            + 0.05 * np.sin(along * (2 + 2 * luck(1)))
            + 0.02 * np.sin(along * 7 + 6 * luck(2))
        )
        canvas.below(edge, (0.6 * sky + 0.4 * land, 0.2 * sky + 0.8 * land, 0.65 * land + 0.35 * ink)[layer])


def _mosaic(canvas: Canvas, shot: Shot, time: float, camera: float, recent: list[Event]) -> None:
    """Draw quarter discs on a grid that stands still; a few turn at a time."""
    beat = Moments(0.9, 0.5, shot.seed).index_at(time) - Moments(0.9, 0.5, shot.seed).index_at(shot.start)
    canvas.planes[:] = _tiles(shot, beat, (canvas.width, canvas.height))


@lru_cache(maxsize=4)
def _tiles(shot: Shot, beat: int, size: tuple[int, int]) -> NDArray[np.float32]:
    canvas = Canvas(_backdrop(shot, size).copy())
    for row in range(3):
        for column in range(int(canvas.aspect / _TILE) + 1):

            def luck(what: int, row: int = row, column: int = column) -> float:
                return chance(shot.seed, 50 + row, column, what)

            turns = sum(chance(shot.seed, 60 + row, column, i) < 0.25 for i in range(beat))
            turn = (int(4 * luck(1)) + turns) % 4
            if luck(0) > 0.2:
                canvas.fill(
                    (column + 0.5) * _TILE,
                    (row + 0.5) * _TILE,
                    _TILE / 2,
                    brush.quarter(_TILE, turn),
                    shot.palette.tokens[int(3 * luck(3))],
                    0.14 + 0.36 * luck(4),
                )
    return canvas.planes


_PLACES = {"drift": _drift, "pond": _pond, "hills": _hills, "mosaic": _mosaic}


def _token(canvas: Canvas, shot: Shot, event: Event, age: float, camera: float) -> None:
    gone = event.speed * 0.9 * (1 - exp(-age / 0.9))
    x, y = event.x * canvas.aspect + camera * (shot.scene != "mosaic"), event.y
    if shot.scene == "hills":
        x, y = x + 0.02 * sin(3 * age + event.angle), y - 0.6 * gone
    elif shot.scene == "mosaic":
        x, y = (int(x / _TILE) + 0.5) * _TILE, (int(y / _TILE) + 0.5) * _TILE
    else:
        x, y = x + gone * cos(event.angle), y + gone * sin(event.angle)
    size = event.size * _pop(age, event.life)
    if size > 0.004:
        colour = shot.palette.tokens[event.colour]
        canvas.fill(x + 0.012, y + 0.022, 1.1 * size, brush.disc(0.9 * size), _SHADE, 0.22, soft=0.05)
        _figure(canvas, event, x, y, size, colour, shot.palette.ink, age)


def _figure(
    canvas: Canvas,
    event: Event,
    x: float,
    y: float,
    size: float,
    colour: brush.Colour,
    ink: brush.Colour,
    age: float,
) -> None:
    turn = event.angle + age * (event.speed - 0.25) * 3
    if event.kind == "disc":
        canvas.fill(x, y, size, brush.disc(size), colour)
    elif event.kind == "ring":
        canvas.fill(x, y, size, brush.ring(0.8 * size, 0.34 * size), colour)
    elif event.kind == "flower":
        canvas.fill(x, y, 1.25 * size, brush.flower(1.25 * size, 0.16, turn), colour)
        canvas.fill(x, y, 0.3 * size, brush.disc(0.28 * size), ink, 0.85)
    elif event.kind == "box":
        canvas.fill(x, y, 1.3 * size, brush.box(0.86 * size, 0.25 * size, turn), colour)
    else:
        _face(canvas, x, y, size, colour, ink, age)


def _face(
    canvas: Canvas, x: float, y: float, size: float, colour: brush.Colour, ink: brush.Colour, age: float
) -> None:
    canvas.fill(x, y, size, brush.disc(size), colour)
    lid = 0.12 if 0.7 < age < 0.82 else 1.0  # a blink, once
    marks = ink if sum(colour) > 330 else _LIGHT
    for side in (-1, 1):
        eye = brush.oval(0.13 * size, lid)
        canvas.fill(x + side * 0.36 * size, y - 0.12 * size, 0.14 * size, eye, marks)
    canvas.fill(x, y + 0.02 * size, 0.62 * size, brush.arc(0.5 * size, 0.12 * size), marks)
