"""A session's report: one HTML page with everything in it, for a browser, a mail or a printer.

No server, no script, no library: pictures are SVG and JPEG within the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from realtime.errors import SessionError
from recordings.report import charts
from recordings.report.figures import clock_of, figures, head, network_of
from recordings.report.parts import (
    channel_table,
    eeg_table,
    folded,
    section,
    table,
    video_table,
)
from recordings.report.stills import film_strips
from recordings.report.style import STYLE
from recordings.report.svg import Words
from recordings.session.gaze import against_map, all_gaze
from recordings.session.info import describe
from recordings.session.outcome import (
    FeedbackOutcome,
    Readings,
    all_feedback,
    all_readings,
    events_once,
    is_feedback,
    places_attended,
)
from recordings.session.session import Marker, Session

REPORT_NAME = "report.html"
_ROWS = 200
_MAPS = (
    "Pictures evenly apart. Where the network was trained and tells places apart, bright places are those it "
    "attends; a faint grey map does not stand out from chance."
)


def session_report(folder: str | Path, stills: bool = True) -> str:
    """Write what a session came to, as HTML.

    Parameters
    ----------
    folder : str or Path
        The session's folder or XDF file.
    stills : bool
        Show pictures of its videos. A film of the participant's face is better left out of a page that is
        passed on.

    Returns
    -------
    str
        A whole page, with all its pictures in it.

    Raises
    ------
    SessionError
        There is no session, or it is damaged.
    """
    with Session(folder) as session:
        audit = describe(session)
        events = events_once(session)
        readings, feedback = all_readings(session), all_feedback(session, events)
        others = [Marker(e.stamp - session.start, e.text) for e in events if not is_feedback(e.text)]
        words, trained = clock_of(audit), not _is_untrained(audit)
        looks = [charts.Look(words, trained and r.beats_chance()) for r in readings]
        strips = film_strips(session, words, places_attended(session) if trained else None) if stills else ""
        parts = [head(audit, session.duration), _untrained(audit)]
        parts += [figures(readings, looks, feedback, session.duration), _problems(audit)]
        parts += [
            _over_time(r, look, session, feedback, others, strips)
            for r, look in zip(readings, looks, strict=True)
        ] or [_no_readings(strips)]
        parts += [_gaze(session)] if trained else []
        parts += [_against_chance(r, look) for r, look in zip(readings, looks, strict=True)]
        if readings or feedback:
            parts += [_feedback(feedback, words), _latency(readings, feedback)]
        parts += [_streams(session, audit, feedback, others, words), _made_by(audit)]
    title = escape(f"{audit['name']} · Phosphene")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def write_report(folder: str | Path, out: str | Path | None = None, stills: bool = True) -> Path:
    """Write a session's report to a file, by default `report.html` in its folder; an older one is replaced.

    Raises
    ------
    SessionError
        There is no session, it is damaged, or the file cannot be written.
    """
    html = session_report(folder, stills)
    path = Path(folder)
    path = Path(out) if out else (path if path.is_dir() else path.parent) / REPORT_NAME
    try:
        path.write_text(html, encoding="utf-8", errors="replace")  # JSON may hold halves of characters
    except OSError as error:
        raise SessionError(f"{path} cannot be written ({error.strerror}): name another file") from error
    return path


def _is_untrained(audit: dict[str, Any]) -> bool:
    return network_of(audit).get("weights") == "untrained"


def _untrained(audit: dict[str, Any]) -> str:
    """Said before any figure."""
    if not _is_untrained(audit):
        return ""
    return (
        '<p class="warn"><b>Untrained network.</b> The readings of this session come from random weights: no '
        "similarity, match, accuracy or feedback on this page says anything about a brain. The recorded EEG "
        "and video are as good as ever: train a model on them, and replay the session with it.</p>"
    )


def _problems(audit: dict[str, Any]) -> str:
    if not audit["problems"]:
        return section("Health", '<p class="good">Nothing was found wrong with the streams and files.</p>')
    items = "".join(f"<li>{escape(problem)}</li>" for problem in audit["problems"])
    return section("Needs a look", f'<ul class="warn">{items}</ul>')


def _over_time(
    readings: Readings,
    look: charts.Look,
    session: Session,
    feedback: FeedbackOutcome,
    events: Sequence[Marker],
    strips: str,
) -> str:
    explain = (
        "How well the EEG matches what was on the screen, four times a second. The grey band is what chance "
        "gives in this very session: the same EEG against video that was not being watched (5 to 95 %)."
    )
    if feedback.spans:
        explain += " Tinted stretches: feedback was on."
    if not look.accent:
        explain += " Drawn in grey: taken together, these readings do not stand out from chance."
    chart = charts.similarity(readings, session.duration, feedback, events, look)
    body = f'<p class="explain">{explain}</p>{chart}{strips}'
    if strips:
        body += f'<p class="explain">{_MAPS}</p>'
    body += charts.match(readings, session.duration, look)
    return section(_titled("Similarity over time", readings), body)


def _no_readings(strips: str) -> str:
    body = (
        "<p>No readings were recorded, so there is nothing to say about similarity. "
        "<code>phosphene replay</code> shows what the program would have said.</p>"
    )
    return section("Similarity over time", body + strips)


def _against_chance(readings: Readings, look: charts.Look) -> str:
    if not np.isfinite(readings["percentile"]).any():
        body = '<p class="explain">The session is too short to say what chance gives in it.</p>'
        return section(_titled("Against chance", readings), body)
    return section(
        _titled("Against chance", readings),
        f'<div class="two"><div><p class="explain">Similarity of all readings; the grey band is chance, as '
        f"known at the end.</p>{charts.similarity_histogram(readings, look)}</div>"
        '<div><p class="explain">How many of the mismatched pairs each reading exceeds. By chance all '
        f"bars are alike (dashed); a match piles up on the right.</p>"
        f"{charts.percentile_histogram(readings, look)}"
        "</div></div>"
        '<h3>Running 2-way accuracy</h3><p class="explain">Beside one mismatched piece of video, how often '
        f"is the true one more similar? Windows that do not overlap; from the tenth on.</p>"
        f"{charts.accuracy(readings, look)}",
    )


def _gaze(session: Session) -> str:
    """Hold the gaze against the places attended, where both were recorded."""
    attended, gaze = places_attended(session), all_gaze(session)
    found = against_map(gaze, session.start, attended) if attended is not None and gaze else None
    if found is None:
        return ""
    low, high = found.interval
    rows = [
        ("distance, median", f"{found.distance:.2f}", f"{found.by_chance:.2f}"),
        ("within the place", f"{found.inside / found.n:.0%} [{low:.0%}, {high:.0%}]",
         f"{found.inside_by_chance:.0%}"),
    ]  # fmt: skip
    explain = (
        f"Where the eyes were beside the place attended most, in n = {found.n} intervals that do not "
        "overlap. Distances are in widths and heights of the picture; by chance: the same eyes against the "
        "maps of all other intervals. Eyes and attention need not go together."
    )
    shown = table(("", "n gaze", "n by chance"), rows)
    return section("Gaze and attention", f'<p class="explain">{explain}</p>', shown)


def _titled(title: str, readings: Readings) -> str:
    _, _, which = readings.name.partition("·")
    return f"{title} ·{which}" if which else title


def _feedback(feedback: FeedbackOutcome, words_of: Words) -> str:
    if not feedback:
        return section("Feedback", '<p class="muted">None was given, or none was recorded.</p>')
    baseline = feedback.baseline_over
    words = f"The baseline was over at {words_of(baseline)}. " if baseline is not None else ""
    lengths = [stop - start for start, stop in feedback.spans]
    if lengths:
        words += f"{len(lengths)} times; half of them lasted {np.median(lengths):.1f} s or less, "
        words += f"the longest {max(lengths):.1f} s."
    rows = [
        (str(k), words_of(start), words_of(stop), f"{stop - start:.2f} s")
        for k, (start, stop) in enumerate(feedback.spans[:_ROWS], 1)
    ]
    more = f"<p>… and {len(lengths) - _ROWS} more</p>" if len(lengths) > _ROWS else ""
    each = folded("Each of them", table(("", "from", "to", "n length"), rows), more) if rows else ""
    return section("Feedback", f"<p>{words}</p>", each, _parameters(feedback.parameters))


def _parameters(text: str) -> str:
    """Folded, because they tell whether it was sham."""
    try:
        shown = json.dumps(json.loads(text), indent=2)
    except ValueError:
        shown = text
    return folded("Parameters (they tell whether it was sham)", f"<pre>{escape(shown)}</pre>") if text else ""


def _latency(readings: list[Readings], feedback: FeedbackOutcome) -> str:
    measured = [("readings: until they could be seen", r.latency_ms) for r in readings]
    measured.append(("feedback: until it left by LSL", feedback.latency_ms))
    measured = [(name, values) for name, values in measured if len(values)]
    if not measured:
        words = "Not known: the readings were computed afterwards."
        return section("Latency", f'<p class="muted">{words}</p>')
    rows = [
        (name, *(f"{q:.0f} ms" for q in np.percentile(values, [50, 95, 99, 100])), str(len(values)))
        for name, values in measured
    ]
    explain = (
        "From the end of an interval on. That the interval itself is 2 s of video and half a second of "
        "EEG more is not in it."
    )
    shown = table(("", "n median", "n 95 %", "n 99 %", "n longest", "n count"), rows)
    return section("Latency", f'<p class="explain">{explain}</p>', shown, charts.latency(measured[0][1]))


def _streams(
    session: Session,
    audit: dict[str, Any],
    feedback: FeedbackOutcome,
    events: Sequence[Marker],
    words: Words,
) -> str:
    body = str(charts.coverage(session, feedback, events, words))
    for eeg in audit["eeg"]:
        body += f"<h3>{escape(eeg['name'])}</h3>{eeg_table(eeg)}{channel_table(eeg.get('channels', []))}"
    for video in audit["video"]:
        body += f"<h3>{escape(video['name'])}</h3>{video_table(video)}"
    if most := audit["markers"]["most_frequent"]:
        rows = [(text, str(count)) for text, count in most.items()]
        body += folded(f"Events: {audit['markers']['count']}", table(("text", "n times"), rows))
    return section("Streams", body)


def _made_by(audit: dict[str, Any]) -> str:
    manifest = audit["manifest"] or {}
    versions = ", ".join(f"{name} {version}" for name, version in manifest.get("versions", {}).items())
    system = manifest.get("machine", {}).get("system", "")
    recorded = f" Recorded with {escape(versions)} on {escape(system)}." if versions else ""
    return f"<footer>Session in {escape(audit['path'])}.{recorded}</footer>"
