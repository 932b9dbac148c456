"""What commands print for people: tables and one-line verdicts. JSON is printed by the command itself."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from experiment.doctor import Finding
from realtime.lsl.selector import StreamSummary
from realtime.video.listing import CameraSummary
from recordings.report.svg import clock_words

_UNBOUNDED = 100_000
_MEASURED = 5  # steps of a training that its cost is told from
_STYLES = {"error": "bold red", "warning": "yellow"}


def _pairs(rows: Sequence[tuple[str, str]]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value, style=_STYLES.get(name))
    return table


def _plain_console(*, stderr: bool = False) -> Console:
    """Return a console that prints names of streams and files as they are, brackets and colons included."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def _print_rows(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table where it fits, else a block of lines for each row: no cell is ever cut."""
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    unbounded = console.options.update(max_width=_UNBOUNDED)
    if console.measure(table, options=unbounded).maximum <= console.width:
        console.print(table)
        return
    widest = max(map(len, columns))
    for row in rows:
        for column, cell in zip(columns, row, strict=True):
            console.print(f"{column:>{widest}}  {cell}", soft_wrap=True)
        console.print()


def print_summary(summary: Mapping[str, Any]) -> None:
    """Print what a session came to, on standard error."""
    eeg, video, latency = summary["eeg"], summary["video"], summary["latency_ms"]
    rows = [
        ("readings", f"{summary['readings']}  (skipped ticks {summary['skipped_ticks']})"),
        ("EEG", f"{eeg['name']}  {eeg['rate_effective']} Hz  gaps {eeg['gaps']}  lost {eeg['lost_samples']}"),
        *_video_rows((video, *summary["other_videos"])),
        ("model", f"{_backends(summary)}, weights {summary['weights']}"),
    ]
    if latency:
        rows.append(
            ("latency", "  ".join(f"{name} {latency[name]:.0f} ms" for name in ("p50", "p95", "max")))
        )
    rows += [("warning", warning) for warning in summary["warnings"]]
    rows += [("error", error) for error in summary["errors"]]
    _plain_console(stderr=True).print(_pairs(rows))


def _backends(summary: Mapping[str, Any]) -> str:
    """Say what ran the network, and what it ran on before."""
    words = str(summary["backend"])
    if len(rows := summary.get("backends", ())) < 2:
        return words
    gain = f", {rows[-1]['times_faster']:.1f} × as fast" if "times_faster" in rows[-1] else ""
    return f"{words} (after {rows[-1]['since_s']:.0f} s on {rows[-2]['backend']}{gain})"


def _video_rows(videos: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """One line for each video; with several, how similar each was."""
    rows = []
    for number, video in enumerate(videos, 1):
        words = f"{video['name']}  {video['fps_effective']} /s  dropped {video['dropped']}"
        mean = video["similarity_mean"]
        if len(videos) > 1:
            words += "  never whole" if mean is None else f"  mean similarity {mean:+.3f}"
        rows.append(("video" if number == 1 else f"video {number}", words))
    return rows


def print_streams(streams: Sequence[StreamSummary], cameras: Sequence[CameraSummary]) -> None:
    """Print what there is to connect to; a name can be typed as it stands here."""
    console = _plain_console()
    rows = []
    for s in streams:
        rate = f"{s.rate_nominal:g} Hz" if s.rate_nominal else "irregular"
        rows.append((s.name, s.type, str(s.n_channels), rate, s.format, s.host, s.source_id))
    if rows:
        _print_rows(console, ("name", "type", "ch", "rate", "format", "host", "source_id"), rows)
    else:
        console.print("No LSL stream. Start a headset, or `phosphene headset` for a virtual one.")
    for camera in cameras:
        console.print(f"camera {camera.index}: {camera.name}", soft_wrap=True)
    if not cameras:
        console.print("No camera. A video file or a URL serves as well.")


def print_findings(findings: Sequence[Finding]) -> None:
    """Print what the doctor saw, each with what to do about it."""
    table = Table(box=None, padding=(0, 2), show_header=False)
    for _ in range(4):
        table.add_column(overflow="fold")
    for finding in findings:
        verdict = Text("✓", "green") if finding.ok else Text("!", "yellow")
        table.add_row(verdict, finding.name, finding.seen, finding.advice)
    _plain_console().print(table)


def print_audit(report: Mapping[str, Any]) -> None:
    """Print what a recorded session holds, and what is wrong with it."""
    console = _plain_console()
    closed = "closed" if report["complete"] else "not closed"
    title = Text.assemble((report["name"], "bold"), f"  {report['duration_s']:.1f} s, {closed}")
    console.print(title, soft_wrap=True)
    columns = ("id", "name", "type", "n_channels", "format", "rate_nominal", "samples", "clock_offsets")
    rows = [
        [f"{stream[c]:g}" if c == "rate_nominal" else str(stream[c]) for c in columns]
        for stream in report["streams"]
    ]
    _print_rows(console, ("id", "name", "type", "ch", "format", "rate", "samples", "offsets"), rows)
    for sentence in report["warnings"]:
        console.print(f"[yellow]·[/] while it was recorded: {sentence}")
    for problem in report["problems"]:
        console.print(Text.assemble(("! ", "yellow"), problem), soft_wrap=True)
    if not report["problems"]:
        console.print(Text.assemble(("✓ ", "green"), "nothing is wrong with it"))


@contextmanager
def work_progress(now: Callable[[], float] = time.monotonic) -> Iterator[Callable[[str, float], None]]:
    """Show how far work is on standard error; gives what takes words and the share that is done, 0 to 1.

    A live line on a terminal, gone when all is done; elsewhere (a log, a job) a line now and then. Both with
    the time left. A share that falls begins another work.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield LineByLine(now)
        return
    columns = ("{task.description}", BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task, done = bar.add_task("reading sessions", total=None), 0.0

        def show(words: str, share: float) -> None:
            nonlocal done
            if share < done:
                bar.reset(task)
            done = share
            bar.update(task, description=words, completed=share, total=1.0, visible=share < 1)

        yield show


class LineByLine:
    """Says how far work is, in a line every `EVERY_S` and at its end: where nobody watches a bar.

    Parameters
    ----------
    now : callable
        The time, s.
    """

    EVERY_S = 15.0

    def __init__(self, now: Callable[[], float]) -> None:
        self._now, self._said = now, -math.inf
        self._begin = self._first = self._share = math.inf

    def __call__(self, words: str, share: float) -> None:
        """Hear that a share of the work is done, 0 to 1; where it falls, another one has begun."""
        at = self._now()
        if share < self._share:
            self._begin, self._first = at, share
        self._share = share
        if at - self._said < self.EVERY_S and share < 1:
            return
        self._said = at
        done = share - self._first
        left = clock_words((at - self._begin) / done * (1 - share)) + " left" if done > 0 else "just begun"
        print(f"{100 * share:.0f} %, {words}, {left}", file=sys.stderr, flush=True)


def reading(show: Callable[[str, float], None]) -> Callable[[str, float], None]:
    """Return what shows how much of the EEG or the films is read."""
    return lambda what, share: show(f"reading {what}", share)


def training_progress(show: Callable[[str, float], None]) -> Callable[[Any], None]:
    """Return what is to be called after every step of a training, and shows how far the whole of it is.

    After the first steps a line says what all of them will take.
    """
    times: list[float] = []

    def report(progress: Any) -> None:
        if len(times) <= _MEASURED:
            times.append(time.monotonic())
            if len(times) > _MEASURED:
                print(_costs((times[-1] - times[0]) / _MEASURED, progress), file=sys.stderr)
        if progress.validation is not None:
            print(f"step {progress.step}: {progress.validation}", file=sys.stderr)
        show(progress.words, progress.share)

    return report


def _costs(step_s: float, progress: Any) -> str:
    """Say what a training takes, from the seconds a step takes and what the process holds by now."""
    left = progress.steps - progress.step
    megabytes = psutil.Process().memory_info().rss / 1e6
    return (
        f"a step takes {step_s:.2g} s: {clock_words(step_s * left)} for the {left} to come, without looks at "
        f"what is held out; {megabytes:.0f} MB of memory"
    )


def print_worth(found: Mapping[str, Any]) -> None:
    """Print what a model is worth, beside chance and the linear models."""
    from models.learning.judging.report import scorers_of

    rows = [
        (
            name,
            f"{part['two_way']:.3f}",
            "[{:.3f}, {:.3f}]".format(*part["two_way_ci"]),
            part["verdict"],
            f"{part['ten_way']:.3f}",
        )
        for name, part in scorers_of(found).items()
        if part.get("n_windows")
    ]
    console = _plain_console()
    _print_rows(console, ("", "of 2", "95 %", "in words", "of 10"), rows)
    console.print("chance is 0.500 of 2 and 0.100 of 10")
    console.print(f"{found['n_windows']} windows; shifted null {found['null_two_way']:.3f}")
    if "lag_s" in found:
        console.print(f"answers {1e3 * found['lag_s']:+.0f} ms against what was learned")
    for n, part in found.get("watched", {}).items():
        console.print(f"1 of {n} videos: {part['right']:.3f} by share of attention, AUC {part['auc']:.3f}")
    if found.get("attended", {}).get("n"):
        part = found["attended"]
        console.print(
            f"attended object found in {part['hits']} of {part['n']} windows (chance {part['chance']:.3f}); "
            f"its share {part['share']:.2f}"
        )


def print_family(family: Mapping[str, Any]) -> None:
    """Print presets and parts as tables, see `models.family`."""
    console, presets = Console(), family["presets"]
    table = Table("preset", *presets, title="--preset NAME", title_justify="left")
    for part in family["parts"]:
        table.add_row(part, *(_chosen(config[part]) for config in presets.values()))
    table.add_row("width", *(str(config["width"]) for config in presets.values()))
    for column in table.columns:
        column.overflow = "fold"  # a name that has to be typed is never cut
    console.print(table)
    words = Table("part", "word", "what it is", "settings", title="--set PART=WORD, --set PART.SETTING=VALUE")
    words.title_justify = "left"
    for same, parts in groupby(family["parts"].items(), lambda part: part[1]["words"]):
        first = ", ".join(name for name, _ in parts)
        for of_it, alike in groupby(same, same.get):  # words of one configuration stand in one row
            words.add_row(first, ", ".join(alike), of_it["is"], ", ".join(of_it["settings"]))
            first = ""
        words.add_section()
    console.print(words)


def _chosen(part: Mapping[str, Any] | None) -> str:
    """Return a part's word, and which published model it takes, if any."""
    if part is None:
        return "–"
    source = part.get("source")
    return f"{part['kind']} ({source})" if source else str(part["kind"])


def print_curve(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print how good each model is after so many minutes of data; 2-way / 10-way."""
    names = [name for name in rows[0] if name != "minutes"]
    table = Table("minutes", *names)
    for row in rows:
        figures = (f"{row[name]['two_way']:.3f} / {row[name]['ten_way']:.3f}" for name in names)
        table.add_row(f"{row['minutes']:g}", *figures)
    Console().print(table)


def print_runs(runs: Sequence[Any]) -> None:
    """Print models and unfinished trainings (`models.learning.runs.ModelRun`), a row each."""
    columns = ("model", "date", "subject", "min", "steps", "ended", "held out, of 2", "judged, of 2", "from")
    rows = [
        (
            str(run.folder), run.date, run.subject, "" if run.minutes is None else f"{run.minutes:.1f}",
            "" if run.steps is None else str(run.steps), run.state,
            "" if run.held_out is None else f"{run.held_out:.3f}", run.judged, " → ".join(run.ancestry),
        )
        for run in runs
    ]  # fmt: skip
    _print_rows(_plain_console(), columns, rows)
