"""What a trained network is worth on sessions, beside chance, the null and the linear models: one dict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models.checkpoint import Checkpoint, load_checkpoint
from models.learning import receptive_field
from models.learning.baselines import LinearModels, read_films
from models.learning.candidates import what_runs
from models.learning.data.dataset import Recordings, Span
from models.learning.data.flicker import FINE_HZ, films_flicker
from models.learning.data.folds import as_split
from models.learning.judging.choices import Choices
from models.learning.judging.controls import controls
from models.learning.judging.judge import Runs, by_run, headline, judged
from models.learning.judging.lag import recovered_lag
from models.learning.judging.metrics import Scored, contest, summary
from models.learning.judging.scoring import score
from models.learning.kept import load_models
from models.learning.spatial import patterns
from models.learning.train import Material, fed
from realtime.config import GridConfig
from realtime.errors import SessionError

Tell = Callable[[str], None]


def evaluate_checkpoint(
    folder: str | Path, material: Material, with_controls: bool = True, tell: Tell | None = None
) -> dict[str, Any]:
    """Judge a checkpoint on sessions.

    Of sessions it was trained on, only what lies a guard away from the training counts; blocks that it was
    validated on were seen as well. The linear models beside it learned from the same sessions as the network
    (`baselines`, kept by the training), and from the sessions judged, each left out in turn (thirds of a
    single one): `baselines_here`, what they would reach on this very person.

    Parameters
    ----------
    tell : callable, optional
        Told what is being done, a few words at a time.

    Returns
    -------
    dict
        `two_way`, `two_way_ci`, `ten_way`, `null_two_way`, `n_windows`, `split` of what a session with this
        checkpoint runs (`runs` names it, and has all its figures where it is not the network alone), and all
        the rest in parts: the network's `similarity`, `match`, `lengths`, `by_run`, `calibration`,
        `controls`,
        `baselines`, `baselines_here`, `watched` (the share of attention beside other videos), `attended`
        (hits of the map, where cues are known), `patterns` of spatial filters, and `lag_s`, by how much these
        brains answer later than those learned from.

    Raises
    ------
    WeightsError, SessionError, StreamFormatError
    """
    say = tell or (lambda words: None)
    checkpoint = load_checkpoint(folder)
    say("reading sessions and embedding frames")
    recordings = fed(material, checkpoint.network)
    test = unseen(recordings, checkpoint)
    for person in sorted({recordings.people[span.session] for span in test}):
        if strange := checkpoint.network.choose(person):
            say(strange)
    say("scoring all pairs")
    seen = score(checkpoint.network, recordings, test)
    runs = Runs.of(seen, recordings)
    if not contest(runs.similarity).n:
        raise SessionError(
            f"{recordings.minutes(test) * 60:.0f} s of these sessions were not learned from, too little to "
            f"set a window against nine others: record longer, or give others"
        )
    found = judged(runs) | what_runs(Path(folder), seen, recordings)
    found["lag_s"] = round(recovered_lag(checkpoint.network, recordings, test), 3)
    found["split"] = {**as_split({"test": test}, recordings), "trained_on": dict(checkpoint.split)}
    found["weights"] = checkpoint.name
    say("what is attended, and which video is watched")
    found |= Choices.of(checkpoint.network, recordings, test).told()
    if shapes := patterns(checkpoint.network):
        found["patterns"] = shapes
    if with_controls:
        say("controls")
        found["controls"] = controls(checkpoint.network, recordings, test)
    say(f"linear models on the same windows{_but()}")
    models = load_models(Path(folder))
    if not models:
        say(f"{checkpoint.name} brings no linear models of its own training: none stand beside it")
    kept = LinearModels(recordings).score(models, test)
    here = left_out_baselines(recordings, test)
    for name, part in (("baselines", kept), ("baselines_here", here)):
        found[name] = {kind: summary(runs) for kind, runs in part.items()}
    return found


def baseline_sessions(
    material: Material, grid: GridConfig | None = None, tell: Tell | None = None
) -> dict[str, Any]:
    """Linear models alone, each session left out in turn (thirds of a single one).

    Parameters
    ----------
    grid : GridConfig, optional
        By default the usual one, with finer slots for films that flicker.

    Returns
    -------
    dict
        The ridge model's figures at the top, as for a checkpoint, and `baselines` with all of each.
    """
    say = tell or (lambda words: None)
    say("reading sessions and films")
    if grid is None:
        flickers = films_flicker(material.sessions, material.video)
        grid = GridConfig(slots_hz=FINE_HZ) if flickers else GridConfig()
    recordings = material.recordings(grid)
    read_films(recordings, material.tell)
    say(f"fitting and scoring, one session left out at a time{_but()}")
    spans = recordings.spans()
    runs = left_out_baselines(recordings, spans)
    return {
        **headline(summary(runs["ridge"])),
        "split": {**as_split({"test": spans}, recordings), "how": "each session left out in turn"},
        "minutes": round(recordings.minutes(), 2),
        "channels": list(recordings.labels),
        "baselines": {name: {**summary(found), "by_run": by_run(found)} for name, found in runs.items()},
    }


def _but() -> str:
    """Say which linear model cannot be fitted here, if any."""
    return f" ({receptive_field.missing()})" if receptive_field.missing() else ""


def left_out_baselines(recordings: Recordings, test: Sequence[Span]) -> dict[str, list[Scored]]:
    """Linear models on `test`, each window scored by models that learned from other sessions.

    Of a single session each third is scored by models that learned from the rest, a guard away.
    """
    models, whole = LinearModels(recordings), recordings.spans()
    found: dict[str, list[Scored]] = {}
    for span in test:
        if len(whole) > 1:
            said = models.score(models.fit([s for s in whole if s.session != span.session]), [span])
        else:
            said = _by_thirds(models, recordings, whole[0], span)
        for name, runs in said.items():
            found.setdefault(name, []).extend(runs)
    return found


def _by_thirds(
    models: LinearModels, recordings: Recordings, whole: Span, test: Span
) -> dict[str, list[Scored]]:
    guard, n = recordings.n_rows, whole.stop - whole.start
    first = recordings.tables[whole.session].first - recordings.n_rows
    found: dict[str, list[Scored]] = {}
    for i in range(3):
        start, stop = whole.start + n * i // 3, whole.start + n * (i + 1) // 3
        rest = [replace(whole, stop=start - guard), replace(whole, start=stop + guard)]
        rest = [part for part in rest if part.stop - part.start > 2 * guard]
        if not rest:
            raise SessionError(
                f"{recordings.paths[0]} alone is too short to learn from a part of it: give more sessions"
            )
        for name, (run,) in models.score(models.fit(rest), [test]).items():
            ends = np.round(run.starts * recordings.grid.slots_hz) - first
            mine = ((ends >= start) & (ends < stop))[:, None]
            before = found[name][0].scores if name in found else np.zeros_like(run.scores)
            found[name] = [replace(run, scores=np.where(mine, run.scores, before))]
    return found


def unseen(recordings: Recordings, checkpoint: Checkpoint) -> list[Span]:
    """Return what the checkpoint was neither trained nor validated on, a guard away from what it was.

    Raises
    ------
    SessionError
        It was trained on all of it.
    """
    guard, hz = recordings.n_rows, recordings.grid.slots_hz
    left = []
    for span in recordings.spans():
        first = recordings.tables[span.session].first
        parts = [span]
        for used in [*checkpoint.split.get("train", []), *checkpoint.split.get("validation", [])]:
            if used.get("id") == recordings.ids[span.session]:
                start = round(used["from_s"] * hz) - first - guard
                stop = round(used["to_s"] * hz) - first + guard
                parts = [piece for part in parts for piece in _without(part, start, stop)]
        left += [
            part for part in parts if part.stop - part.start > recordings.n_rows + recordings.grid.n_slots
        ]
    if not left:
        raise SessionError(
            f"{checkpoint.name} was trained on all of these sessions: give others, or judge by training anew "
            f"with one left out at a time (`phosphene crossval`)"
        )
    return left


def _without(span: Span, start: int, stop: int) -> list[Span]:
    """Return what of a span lies outside [start, stop)."""
    return [
        part
        for part in (replace(span, stop=min(span.stop, start)), replace(span, start=max(span.start, stop)))
        if part.stop > part.start
    ]
