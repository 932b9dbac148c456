"""What other people's data are worth to somebody new: virtual people whose answers lie elsewhere.

    python -m models.learning.studies.pooled --out docs/pooled.md

A model of several people, each with a spatial layer of their own, is continued for somebody who is not among
them: first the new layer alone, then everything. Beside it on the same minutes: the same from scratch, from a
model of one person, from a pooled model without layers, and CCA. People are left out in groups, each of them
watches films of their own, and nobody learned from the film they are judged on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.config import NetworkConfig, preset
from models.learning.baselines import LinearModels
from models.learning.data.dataset import Recordings, Span
from models.learning.data.folds import first_minutes
from models.learning.judging.metrics import Scored, contest, interval
from models.learning.judging.scoring import score, similarity_runs
from models.learning.people import joined_by, of_people
from models.learning.studies.demo import write_virtual
from models.learning.studies.progress import on_stderr
from models.learning.studies.trials import changed
from models.learning.train import Material, prepare
from models.learning.training.fit import Split, fit
from models.learning.training.recipe import Recipe
from models.network.network import Network

MINUTES = (1.0, 2.0, 4.0, 8.0)
NETWORK: Mapping[str, Any] = {
    "places": 1, "width": 16, "eeg.hidden": 16, "fast.width": 16, "fast.layers": 1, "fast.image_px": 32,
    "fusion.heads": 2, "fusion.head_width": 8,
}  # fmt: skip
"""A small network without places: virtual people answer to the whole frame."""
RECIPE = Recipe(steps=150, batch=32, warmup=15, match=0, validation=0, noise=0.3, channel_drop=0.1)
LATER = {"lr": 2e-3, "steps": 100, "layer_first": 40}
"""How a model is continued for somebody new."""
FOLDING_DEG, SNR = 35.0, 0.3
_FIRST_PERSON, _FIRST_FILM = 300, 400


@dataclass(frozen=True)
class PeopleFold:
    """Recordings of all people of a fold: who is learned from, who is new, and how many minutes of them."""

    recordings: Recordings
    pool: tuple[int, ...]
    new: tuple[int, ...]
    minutes: tuple[float, ...]


def person_session(folder: Path, number: int, minutes: float) -> Path:
    """Record one person with a film of their own; one that is in the folder is used again."""
    session = folder / f"sub-{number:02d}"
    if not (session / "session.xdf").is_file():
        who = {"snr": SNR, "folding_deg": FOLDING_DEG}
        write_virtual(
            session, minutes * 60, _FIRST_PERSON + number, _FIRST_FILM + number, engaged=True, **who
        )
    return session


def continued(
    network: Network, recordings: Recordings, spans: Sequence[Span], recipe: Recipe, person: str
) -> Network:
    """Return a network that goes on with somebody, with a layer of their own where others have one."""
    copy = Network(network.config, network.labels)
    copy.load_state_dict(network.state_dict())
    learner = joined_by(copy, person)
    return _fitted(learner, recordings, spans, recipe)


def _fitted(network: Network, recordings: Recordings, spans: Sequence[Span], recipe: Recipe) -> Network:
    recordings.know(network)
    fit(network, recordings, Split(spans), recipe)
    return network


def _fresh(config: NetworkConfig, labels: tuple[str, ...], seed: int) -> Network:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return Network(config, labels)


def judged(
    group: PeopleFold, config: NetworkConfig, recipe: Recipe, test_minutes: float
) -> Iterator[dict[str, Any]]:
    """Give what each window of a new person gains, by way of learning and minutes of that person.

    The last `test_minutes` of each new session are what is judged.
    """
    recordings, hz = group.recordings, group.recordings.grid.slots_hz
    spans = {span.session: span for span in recordings.spans()}
    pool = [spans[i] for i in group.pool]
    people = sorted({recordings.people[i] for i in group.pool})
    fresh = {
        "one person": _fresh(config, recordings.labels, recipe.seed),
        "pooled, no layers": _fresh(config, recordings.labels, recipe.seed),
        "pooled": _fresh(of_people(config, people), recordings.labels, recipe.seed),
    }
    before = {
        name: _fitted(network, recordings, pool[:1] if name == "one person" else pool, recipe)
        for name, network in fresh.items()
    }
    later = Recipe(**{**recipe.model_dump(), **LATER})
    for i in group.new:
        whole, person = spans[i], recordings.people[i]
        cut = whole.stop - round(test_minutes * 60 * hz)
        test = [Span(i, cut, whole.stop)]
        for minutes in group.minutes:
            train = first_minutes([Span(i, whole.start, cut - recordings.n_rows)], minutes, hz)
            models = {
                "scratch": _fitted(_fresh(config, recordings.labels, recipe.seed), recordings, train, recipe),
                **{name: continued(one, recordings, train, later, person) for name, one in before.items()},
            }
            for name, network in models.items():
                recordings.know(network)
                runs = similarity_runs(score(network, recordings, test, match=False), recordings)
                yield {"person": person, "way": name, "minutes": minutes, **_shares(runs)}
            linear = LinearModels(recordings)
            runs = linear.score({"cca": linear.fit_one("cca", train)}, test)["cca"]
            yield {"person": person, "way": "CCA", "minutes": minutes, **_shares(runs)}
        for name, network in before.items():
            recordings.know(network)
            runs = similarity_runs(score(network, recordings, test, match=False), recordings)
            yield {"person": person, "way": name, "minutes": 0.0, **_shares(runs)}


def _shares(runs: Sequence[Scored]) -> dict[str, Any]:
    result = contest(runs)
    return {"two": result.beaten.tolist(), "ten": result.n_way(10).tolist()}


def as_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table: 2-way with its 95 % interval / 10-way, by way of learning and minutes.

    Of each window the mean over seeds counts: the same window three times over is not three.
    """
    minutes = sorted({row["minutes"] for row in rows})
    lines = [
        f"| minutes of the new person | {' | '.join(f'{m:g}' for m in minutes)} |",
        f"|---|{'---|' * len(minutes)}",
    ]
    for way in dict.fromkeys(row["way"] for row in rows):
        cells = []
        for amount in minutes:
            mine = [row for row in rows if row["way"] == way and row["minutes"] == amount]
            two, ten = (_over_seeds(mine, accuracy) for accuracy in ("two", "ten"))
            low, high = interval(two)
            cells.append(f"{two.mean():.3f} [{low:.3f}, {high:.3f}] / {ten.mean():.3f}" if len(two) else "–")
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _over_seeds(rows: Sequence[Mapping[str, Any]], accuracy: str) -> NDArray[np.float64]:
    """Return each window's accuracy, the mean over the seeds it was asked with."""
    people = dict.fromkeys(row["person"] for row in rows)
    means = [np.mean([row[accuracy] for row in rows if row["person"] == who], axis=0) for who in people]
    return np.concatenate(means or [np.zeros(0)])


def main() -> None:
    """Make people, leave each group out in turn, and write the table and every window's figure."""
    parser = argparse.ArgumentParser(description="What other people's data are worth to somebody new.")
    parser.add_argument("--out", type=Path, required=True, help="The table, Markdown; JSON goes beside it.")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--groups", type=int, default=5, help="Each group of people is left out in turn.")
    parser.add_argument("--only", type=int, help="Leave out so many groups and no more.")
    parser.add_argument("--minutes", type=float, nargs="+", default=MINUTES, help="Of each new person.")
    parser.add_argument("--pool-minutes", type=float, default=4.0, help="Of each person learned from.")
    parser.add_argument("--test-minutes", type=float, default=2.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="recipe.steps=200 …")
    parser.add_argument("--scratch", type=Path, help="Folder for the virtual sessions, to use them again.")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="phosphene-pooled-") as temporary:
        scratch = asked.scratch or Path(temporary)
        for seed in range(asked.seeds):
            changes, recipe = changed(asked.set, NETWORK, RECIPE, seed)
            config = preset("demo", changes)
            for k in range(asked.groups if asked.only is None else asked.only):
                group = group_of(scratch, asked, k, config, recipe)
                for row in judged(group, config, recipe, asked.test_minutes):
                    rows.append({"seed": seed, "group": k, **row})
                    on_stderr(
                        f"group {k + 1}, {row['way']}, {row['minutes']:g} min: {np.mean(row['two']):.3f}"
                    )
                asked.out.write_text(as_markdown(rows), encoding="utf-8")
                asked.out.with_suffix(".json").write_text(json.dumps(rows))


def group_of(
    scratch: Path, asked: argparse.Namespace, k: int, config: NetworkConfig, recipe: Recipe
) -> PeopleFold:
    """Record all people of a fold: the short sessions of those learned from, the long ones of the others."""
    new = [i for i in range(asked.people) if i % asked.groups == k]
    pool = [i for i in range(asked.people) if i % asked.groups != k]
    longest = max(asked.minutes) + asked.test_minutes + 0.2
    sessions = [person_session(scratch / "short", i, asked.pool_minutes) for i in pool]
    sessions += [person_session(scratch / "long", i, longest) for i in new]
    _, recordings = prepare(Material(sessions), config, recipe)
    return PeopleFold(
        recordings, tuple(range(len(pool))), tuple(range(len(pool), len(sessions))), tuple(asked.minutes)
    )


if __name__ == "__main__":
    main()
