"""The drawings of the concept pages: `python docs/diagrams.py [FOLDER]`.

Sizes and times come from the program's configuration, the matrix from the shipped weights on a virtual
subject that they never saw.
"""

from __future__ import annotations

import sys
import tempfile
from html import escape
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiment.model_choice import shipped_weights
from models.inference.engine import Engine
from realtime.config import GridConfig
from realtime.model import OtherVideo
from realtime.types import Interval
from recordings.arrays import IntervalArrays, read_intervals, read_recording
from recordings.session.example import make_example
from recordings.video.files import VideoReader

INK, SOFT, LINE, CARD = "#1f2933", "#5f6c7b", "#9aa5b1", "#ffffff"
TEAL, AMBER, PALE_TEAL, PALE_AMBER = "#0d6a75", "#b86e00", "#d5ecee", "#fbe9cc"
INK_CARD = "#e8edf1"


class Drawing:
    """An SVG, drawn upon from back to front; lengths in pixels.

    Parameters
    ----------
    title : str
        What it shows, for those who cannot see it.
    """

    def __init__(self, width: int, height: int, title: str):
        self._size = f"{width} {height}"
        self._parts = [f"<title>{escape(title)}</title>"]

    def text(
        self, x: float, y: float, words: str, size: float = 14, colour: str = INK,
        anchor: str = "middle", bold: bool = False,
    ) -> None:  # fmt: skip
        """Write words at a point."""
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" text-anchor="{anchor}"{weight}>'
            f"{escape(words)}</text>"
        )

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str = CARD,
        line: str = "none",
        r: float = 0,
    ) -> None:
        """Draw a rectangle with rounded corners."""
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{r:g}" fill="{fill}" '
            f'stroke="{line}"/>'
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        title: str,
        words: str = "",
        fill: str = CARD,
        line: str = LINE,
    ) -> None:
        """Draw a card with a title and a line below it, 56 high."""
        self.rect(x, y, width, 56, fill, line, 8)
        self.text(x + width / 2, y + (25 if words else 33), title, bold=True)
        if words:
            self.text(x + width / 2, y + 43, words, 12, SOFT)

    def line(self, points: list[tuple[float, float]], colour: str = LINE, width: float = 1.5) -> None:
        """Draw straight lines from point to point."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>'
        )

    def arrow(self, points: list[tuple[float, float]], colour: str = SOFT) -> None:
        """Draw a line that ends in a head."""
        self.line(points, colour)
        (x0, y0), (x, y) = points[-2:]
        length = float(np.hypot(x - x0, y - y0))
        ux, uy = (x - x0) / length, (y - y0) / length
        left, right = (x - 8 * ux - 4 * uy, y - 8 * uy + 4 * ux), (x - 8 * ux + 4 * uy, y - 8 * uy - 4 * ux)
        head = " ".join(f"{a:.4g},{b:.4g}" for a, b in (left, (x, y), right))
        self._parts.append(f'<polygon points="{head}" fill="{colour}"/>')

    def save(self, path: Path) -> None:
        """Write the SVG."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self._size}" role="img" '
        body = "\n".join(self._parts)
        path.write_text(f'{head}font-family="system-ui, sans-serif">\n{body}\n</svg>\n', encoding="utf-8")


def path_of_a_sample() -> Drawing:
    """Draw the way from headset and camera to a reading, and where a recording takes its data."""
    grid = GridConfig()
    d = Drawing(
        960, 300, "Headset and camera, each through its own stages, meet in an interval that is scored"
    )
    eeg = ((20, "Headset", "LSL"), (180, "Stamps", "one clock"), (340, "Filter", "the network's band"))
    for x, title, words in eeg:
        d.box(x, 40, 130, title, words, PALE_TEAL, TEAL)
    d.box(500, 40, 130, "Grid", f"{grid.eeg_hz} points a second", PALE_TEAL, TEAL)
    video = (
        (20, "Camera, film", "or screen"),
        (180, "Stamps", "less the delay"),
        (340, "Shrink", "once a frame"),
    )
    for x, title, words in video:
        d.box(x, 210, 130, title, words, PALE_AMBER, AMBER)
    d.box(500, 210, 130, "Embed", "once a frame", PALE_AMBER, AMBER)
    for y, colour in ((68, TEAL), (238, AMBER)):
        for x in (150, 310, 470):
            d.arrow([(x, y), (x + 28, y)], colour)
    d.box(680, 125, 120, "Interval", f"every {grid.hop_s:g} s")
    d.arrow([(630, 68), (740, 68), (740, 123)], TEAL)
    d.arrow([(630, 238), (740, 238), (740, 183)], AMBER)
    d.box(840, 125, 100, "Reading", "scores, map")
    d.arrow([(800, 153), (838, 153)])
    d.text(820, 113, "network", 12, SOFT)
    d.box(180, 125, 130, "Recording", "as it came")
    d.arrow([(85, 96), (85, 153), (178, 153)])
    d.arrow([(85, 210), (85, 153), (178, 153)])
    d.arrow([(890, 181), (890, 196), (245, 196), (245, 183)])
    d.text(500, 190, "readings are recorded as well", 12, SOFT)
    d.text(20, 24, "EEG", 14, TEAL, "start", bold=True)
    d.text(20, 288, "Video", 14, AMBER, "start", bold=True)
    return d


def interval() -> Drawing:
    """Draw two seconds of video and the EEG that goes on beyond them."""
    grid = GridConfig()
    span = grid.interval_s + grid.lag_s
    d = Drawing(960, 300, f"An interval holds {grid.interval_s:g} s of video and {span:g} s of EEG")
    left, scale = 110.0, 324.0

    def at(seconds_before_end: float) -> float:
        return left + (span - seconds_before_end) * scale

    rng = np.random.default_rng(3)
    n = grid.n_times
    wave = np.convolve(rng.standard_normal(n + 12), np.hanning(13), "valid")
    xs = np.linspace(at(span), at(0), n)
    d.rect(at(span), 50, span * scale, 60, PALE_TEAL, "none", 4)
    d.line([(float(x), float(80 + 5 * y)) for x, y in zip(xs[::2], wave[::2], strict=True)], TEAL, 1.2)
    d.text(20, 85, "EEG", 15, TEAL, "start", bold=True)
    d.text(at(span / 2), 42, f"{grid.n_times} points at {grid.eeg_hz} Hz", 13, SOFT)
    width = grid.interval_s * scale / 20
    for k in range(20):
        shade = PALE_AMBER if k % 2 else "#f3d3a0"
        d.rect(at(span) + k * width, 140, width - 2, 46, shade, "none", 2)
    d.text(20, 168, "Video", 15, AMBER, "start", bold=True)
    middle = at(grid.lag_s + grid.interval_s / 2)
    d.text(middle, 205, f"{grid.n_slots} slots, each with the frame on show (every 4th drawn)", 13, SOFT)
    d.line([(at(grid.lag_s), 118), (at(0), 118)], INK, 1.2)
    for seconds in (grid.lag_s, 0.0):
        d.line([(at(seconds), 112), (at(seconds), 124)], INK, 1.2)
    d.text(at(grid.lag_s / 2), 133, f"lag {grid.lag_s:g} s", 13, INK)
    d.line([(at(span), 232), (at(0), 232)], SOFT)
    for k in range(round(span / grid.lag_s) + 1):
        seconds = span - k * grid.lag_s
        d.line([(at(seconds), 228), (at(seconds), 236)], SOFT)
        d.text(at(seconds), 252, f"t − {seconds:g} s" if seconds else "t", 12, SOFT)
    answer = at(grid.lag_s + 1.0)
    d.arrow([(answer, 140), (answer + 0.2 * scale, 112)], INK)
    d.text(answer + 0.1 * scale + 16, 133, "the brain answers later", 12, INK, "start")
    d.text(at(span / 2), 284, f"the next interval ends {grid.hop_s:g} s later", 13, SOFT)
    return d


def towers() -> Drawing:
    """Draw where similarity, match and map come from."""
    d = Drawing(1110, 270, "The towers give the similarity; the fusion of both gives match and map")
    d.box(20, 40, 120, "EEG", "an interval", PALE_TEAL, TEAL)
    d.box(20, 174, 120, "Video", "an interval", PALE_AMBER, AMBER)
    d.box(180, 40, 140, "EEG tower", "sees no video", PALE_TEAL, TEAL)
    d.box(180, 174, 140, "Video tower", "sees no EEG", PALE_AMBER, AMBER)
    d.arrow([(140, 68), (178, 68)], TEAL)
    d.arrow([(140, 202), (178, 202)], AMBER)
    d.box(400, 107, 180, "Cosine, slot by slot", "whole frame, each place")
    d.arrow([(250, 96), (250, 128), (398, 128)], TEAL)
    d.arrow([(250, 174), (250, 142), (398, 142)], AMBER)
    d.box(620, 107, 110, "Similarity", "−1 to 1", INK_CARD, INK)
    d.arrow([(580, 135), (618, 135)])
    d.box(780, 107, 170, "Cross-attention", "the EEG reads the video")
    d.arrow([(490, 163), (490, 181), (810, 181), (810, 165)])
    d.text(650, 176, "agreement of each place", 12, SOFT)
    d.arrow([(320, 68), (865, 68), (865, 105)], TEAL)
    d.arrow([(320, 202), (865, 202), (865, 165)], AMBER)
    d.box(990, 70, 100, "Match", "0 to 1", INK_CARD, INK)
    d.box(990, 144, 100, "Map", "when, where", INK_CARD, INK)
    d.arrow([(950, 128), (970, 128), (970, 98), (988, 98)])
    d.arrow([(950, 142), (970, 142), (970, 172), (988, 172)])
    return d


def matrix(folder: Path) -> Drawing:
    """Draw the similarity of each window of a virtual subject's EEG with each window of its video."""
    make_example(folder / "session", seed=3, seconds=44.0)
    recording = read_recording(folder / "session")
    weights = shipped_weights("demo")
    assert weights is not None
    engine = Engine.from_checkpoint(weights)
    intervals = read_intervals(folder / "session", grid=engine.card.grid.model_copy(update={"hop_s": 1.0}))
    values = all_pairs(engine, intervals, folder / "session")
    n, side = len(values), 11
    d = Drawing(960, 40 + n * side, "Similarity of each EEG window with each video window")
    left, top = 240, 30
    low, high = np.percentile(values, [2, 99])
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            share = float(np.clip((value - low) / (high - low), 0, 1))
            d.rect(left + j * side, top + i * side, side, side, shade(share))
    starts = intervals.end - recording.start - GridConfig().interval_s - GridConfig().lag_s
    changes = [(m.stamp, m.text) for m in recording.markers if m.text in ("engaged", "drifting")]
    for (start, text), (stop, _) in zip(changes, [*changes[1:], (1e9, "")], strict=True):
        rows = np.flatnonzero((starts >= start) & (starts < stop))
        if len(rows):
            y0, y1 = top + rows[0] * side, top + (rows[-1] + 1) * side
            colour = TEAL if text == "engaged" else AMBER
            d.line([(left - 10, y0 + 1), (left - 10, y1 - 1)], colour, 4)
            d.text(left - 20, (y0 + y1) / 2 + 4, text, 13, colour, "end", bold=True)
    d.text(left + n * side / 2, top - 10, f"video, {n} windows, one a second", 13, SOFT)
    d.text(left - 110, top - 10, "EEG", 13, SOFT)
    x = left + n * side + 40
    for k in range(60):
        d.rect(x, top + 20 + k * 2, 16, 2.2, shade(1 - k / 59))
    d.text(x + 24, top + 28, f"{high:+.2f}".replace("-", "−"), 12, SOFT, "start")
    d.text(x + 24, top + 140, f"{low:+.2f}".replace("-", "−"), 12, SOFT, "start")
    d.text(x, top + 10, "similarity", 13, SOFT, "start")
    return d


def all_pairs(engine: Engine, intervals: IntervalArrays, folder: Path) -> np.ndarray:
    """Score every window of EEG with every window of video: similarity, array of shape (n, n)."""
    numbers = np.unique(intervals.frame[intervals.frame_valid])
    video = read_recording(folder).video
    assert video is not None
    with VideoReader(video) as reader:
        images = [image for k in numbers if (image := reader.frame(int(k))) is not None]
    shown = []
    for frame, valid in zip(intervals.frame, intervals.frame_valid, strict=True):
        of_path = {}
        for path, every in engine.card.paths.items():
            at = np.searchsorted(numbers, np.where(valid, frame, numbers[0])[::every])
            of_path[path] = engine.encode([images[k] for k in at], path)
        shown.append(OtherVideo(frame, valid, of_path))
    rows = []
    for k in range(len(intervals.end)):
        eeg = intervals.eeg[k], intervals.eeg_valid[k], intervals.eeg_scale[k]
        first = shown[0]
        own = Interval(k * 1000, float(intervals.end[k]), *eeg, first.frame_seq, first.frame_valid)
        scores = engine.score(own, first.embeddings, shown[1:])
        rows.append([scores.similarity, *(other.similarity for other in scores.others)])
        engine.reset()
    return np.array(rows)


def shade(share: float) -> str:
    """Give a colour from pale (0) to teal (1)."""
    ends = np.array([[240, 244, 246], [13, 106, 117]])
    red, green, blue = (ends[0] + share * (ends[1] - ends[0])).round().astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def main(out: Path) -> None:
    """Write all drawings."""
    out.mkdir(parents=True, exist_ok=True)
    path_of_a_sample().save(out / "path.svg")
    interval().save(out / "interval.svg")
    towers().save(out / "towers.svg")
    with tempfile.TemporaryDirectory() as folder:
        matrix(Path(folder)).save(out / "matrix.svg")
    for path in sorted(out.glob("*.svg")):
        print(f"{path}: {path.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("img"))
