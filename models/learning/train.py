"""From sessions of one person to a model of that person: what `phosphene train` does."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from models import combination
from models.checkpoint import Checkpoint, save_checkpoint
from models.combination import SECOND, Combination
from models.config import NetworkConfig
from models.learning import kept
from models.learning.ancestry import KEY, ancestry_of, generation
from models.learning.baselines import LinearModels
from models.learning.candidates import choose, keep
from models.learning.data.dataset import Recordings, Span
from models.learning.data.flicker import FINE_HZ, configured, films_flicker, slots_in_words
from models.learning.people import with_people
from models.learning.spatial import asks_for_filters, set_spatial, settled, with_filters
from models.learning.training.fit import Progress, Trained
from models.learning.training.interrupt import ctrl_c
from models.learning.training.ranks import rank
from models.learning.training.recipe import Recipe
from models.learning.training.search import Learned, Learner, Make, learn
from models.linear_model import FILE
from models.network.network import Network, is_trained
from models.response_model import FILE as RESPONSES
from realtime.config import ConditioningConfig, GridConfig
from realtime.eeg.conditioning import choose_channels
from realtime.errors import ConfigError, WeightsError
from recordings.session.session import Session

STATE = "training.state"
LEAST_MINUTES = 2.0
"""With less, a linear model is at least as good (docs/design.md: the learning curve)."""


@dataclass(frozen=True)
class Material:
    """Which sessions, and how they are read.

    Attributes
    ----------
    sessions : sequence of Path
    conditioning : ConditioningConfig
        Its band is replaced by the one the encoder asks for.
    cache : Path or None
        Where tables and embeddings go; beside each session by default.
    eeg, video : str
        Which streams, where sessions have several.
    cues : Path or None
        A map of cues (`data.cues`); the one beside each session by default.
    tell : callable, optional
        Told what is being read, EEG or films, and how much of it, 0 to 1.
    """

    sessions: Sequence[str | Path]
    conditioning: ConditioningConfig = field(default_factory=ConditioningConfig)
    cache: Path | None = None
    eeg: str = ""
    video: str = ""
    cues: Path | None = None
    tell: Callable[[str, float], None] | None = None

    def recordings(self, grid: GridConfig, conditioning: ConditioningConfig | None = None) -> Recordings:
        """Return the sessions on a grid, conditioned as asked."""
        return Recordings(
            self.sessions,
            grid,
            conditioning or self.conditioning,
            self.cache,
            self.eeg,
            self.video,
            self.cues,
            self.tell,
        )


@dataclass(frozen=True)
class TrainingResult:
    """What came out.

    Attributes
    ----------
    folder : Path
        The checkpoint.
    minutes : float
        Of data that was learned from.
    advice : str
        What to do next, where there is something; empty otherwise.
    """

    folder: Path
    minutes: float
    trained: Trained
    split: Mapping[str, Any]
    metrics: Mapping[str, Any]
    advice: str = ""

    def advised(self, words: str) -> TrainingResult:
        """Return the same with a further sentence of advice, where there is one."""
        return replace(self, advice=". ".join(filter(None, (self.advice, words))))

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "folder": str(self.folder)}


def train_sessions(
    material: Material,
    out: str | Path,
    config: str | NetworkConfig = "demo",
    recipe: Recipe | None = None,
    changes: Mapping[str, Any] | None = None,
    report: Callable[[Progress], None] | None = None,
) -> TrainingResult:
    """Train a network on sessions and write its checkpoint to `out`.

    Ctrl-C ends the training with a checkpoint of what was reached; the same call goes on from there, as it
    does after a kill. Network, linear models and their sums are judged on the parts that are held out, and
    the best is what a session with this folder runs.

    Parameters
    ----------
    config : str or NetworkConfig
        A preset's name, changed by `changes` (dotted names, see `models.config.preset`), or a configuration.
    report : callable, optional
        Called after every step.

    Raises
    ------
    ConfigError, SessionError, StreamFormatError, WeightsError
    """
    recipe, out = recipe or Recipe(), Path(out)
    flickers = films_flicker(material.sessions, material.video)
    config = with_people(configured(config, changes, flickers=flickers), material.sessions)
    _, recordings = prepare(material, config, recipe)
    spans = recordings.spans()
    second = None
    with ctrl_c() as pressed:
        learner = learner_of(recordings, config, recipe, report, pressed)
        if recipe.networks == 1:
            learned = learn(learner, spans, out / STATE)
        else:
            learned, second = _learn_two(learner, spans, out / STATE)
    result = finish(out, recordings, learned, recipe, len(spans), "fresh", second=second)
    return result.advised(slots_in_words(config, flickers))


def _learn_two(learner: Learner, spans: Sequence[Span], state: Path) -> tuple[Learned, Learned | None]:
    """Learn a network, and a second one from the next seed whose frame encoders are the first's."""
    report, recipe, make = learner.report, learner.recipe, learner.make
    if any(is_trained(encoder) for encoder in make(spans).frame_encoders.values()):
        raise ConfigError(
            "recipe.networks=2 has both networks see the same embeddings: leave the frame encoder frozen"
        )
    one = learn(replace(learner, report=_half(report, 0)), spans, state)
    if one.trained.reason == "interrupted" or one.sought is None:
        return one, None  # without parts held out, nothing could say whether two are better
    seeded = recipe.model_copy(update={"seed": recipe.seed + 1})
    begin = beginner(learner.recordings, one.network.config, seeded)  # with filters, if the first has them

    def like_the_first(train: Sequence[Span]) -> Network:
        network = begin(train)
        network.frame_encoders.load_state_dict(one.network.frame_encoders.state_dict())
        return network

    other = replace(learner, make=like_the_first, recipe=seeded, report=_half(report, 1), rivals=())
    two = learn(other, spans, state.with_name(f"{state.name}.second"))
    return one, None if two.trained.reason == "interrupted" else two


def refuse_two(recipe: Recipe, what: str) -> None:
    """Raise ConfigError where a recipe asks for two networks of what has but one."""
    if recipe.networks > 1:
        raise ConfigError(
            f"recipe.networks={recipe.networks}: {what} has one network. Leave it out; two are for a model "
            f"that `phosphene train` begins anew"
        )


def _half(report: Callable[[Progress], None] | None, k: int) -> Callable[[Progress], None] | None:
    """Report the k-th of two trainings as a half of the whole work."""
    if report is None:
        return None

    def placed(progress: Progress) -> None:
        words = ", ".join(filter(None, (f"network {k + 1} of 2", progress.phase)))
        n = progress.parts
        report(replace(progress, phase=words, before=progress.before + k * n, parts=2 * n))

    return placed


def unfinished(out: Path, needed: bool = False) -> str:
    """Say what an earlier training has left in a folder to go on from; empty where there is nothing.

    Raises
    ------
    WeightsError
        There is nothing, and it is `needed`.
    """
    if left := sorted(out.glob(f"{STATE}*")):
        return f"going on from {left[-1]}; remove {out / STATE}* to begin anew"
    if needed:
        raise WeightsError(f"{out} holds no {STATE} to go on from: train without --resume")
    return ""


def finish(
    out: Path,
    recordings: Recordings,
    learned: Learned,
    recipe: Recipe,
    n_new: int,
    how: str,
    parent: Checkpoint | None = None,
    second: Learned | None = None,
) -> TrainingResult:
    """Write what was learned from the first `n_new` sessions to `out`, with all it descends from.

    What a parent learned from was seen by this one as well: it stands in the split.
    """
    trained, spans = learned.trained, recordings.spans()[:n_new]
    before = [] if parent is None else ancestry_of(parent)
    metrics = {
        "recipe": recipe.model_dump(mode="json"),
        "training": asdict(trained),
        KEY: [*before, generation(recordings, n_new, out, how, steps=trained.steps)],
    }
    split = {name: [*part, *_earlier(parent, name)] for name, part in learned.split.items()}
    if rank() > 0:  # all processes hold the same network: the first one writes it
        return TrainingResult(out, recordings.minutes(spans), trained, split, metrics)
    runs = keep_linear(recordings, learned, spans, out, fresh=parent is None, second=second)
    metrics["runs"] = asdict(runs)
    save_checkpoint(out, learned.network, out.resolve().name, split, metrics)
    if runs.has_two and second is not None:
        save_checkpoint(out / SECOND, second.network, f"{out.resolve().name}, second", split, metrics)
    if trained.reason != "interrupted":
        for file in out.glob(f"{STATE}*"):
            file.unlink()
    minutes = recordings.minutes(spans)
    return TrainingResult(
        out, minutes, trained, split, metrics, advice(minutes, trained, runs, fresh=parent is None)
    )


def _earlier(parent: Checkpoint | None, name: str) -> list[Any]:
    """Return what a parent's split says of this part."""
    return [] if parent is None else list(parent.split.get(name, []))


def beginner(recordings: Recordings, config: NetworkConfig, recipe: Recipe) -> Make:
    """Return what makes a fresh network for spans: its seed's weights, and their filters, none where open."""
    config = settled(config, 0)

    def make(train: Sequence[Span]) -> Network:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(recipe.seed)
            network = Network(config, recordings.labels)
        recordings.know(network)
        set_spatial(network, recordings, train)
        return network

    return make


def beginnings(recordings: Recordings, config: NetworkConfig, recipe: Recipe) -> tuple[Make, ...]:
    """Return what a fresh network could be: as it is, and with spatial filters where that is open.

    Codes that flicker, which finer slots are for, ask for filters: there they are not tried without.
    """
    plain = beginner(recordings, config, recipe)
    if not asks_for_filters(config, recordings):
        return (plain,)

    def filtered(train: Sequence[Span]) -> Network:
        return beginner(recordings, with_filters(config, recordings, train), recipe)(train)

    return (filtered,) if config.grid.slots_hz >= FINE_HZ else (plain, filtered)


def learner_of(
    recordings: Recordings,
    config: NetworkConfig,
    recipe: Recipe,
    report: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Learner:
    """Return what learns a fresh network from these recordings, as `train_sessions` does."""
    make, *others = beginnings(recordings, config, recipe)
    return Learner(make, recordings, recipe, (), report, stop, others)


def keep_linear(
    recordings: Recordings,
    learned: Learned,
    spans: Sequence[Span],
    out: Path,
    *,
    fresh: bool,
    second: Learned | None = None,
) -> Combination:
    """Write the linear models of the same data, to be judged beside, and say what is to run; older ones go.

    What was best on the held-out parts runs. Where none was judged, a linear model stands in for a fresh
    network that has seen less than `LEAST_MINUTES`.
    """
    for file in (FILE, RESPONSES, kept.FILE, combination.FILE):
        (out / file).unlink(missing_ok=True)
    shutil.rmtree(out / SECOND, ignore_errors=True)
    if len(recordings.every(spans, recordings.n_rows).end) <= 3:
        return Combination()
    out.mkdir(parents=True, exist_ok=True)
    kept.save_models(out, LinearModels(recordings).fit(spans))
    runs = Combination()
    if learned.sought is not None:
        runs = choose(learned.sought, recordings, None if second is None else second.sought)
    elif fresh and recordings.minutes(spans) < LEAST_MINUTES:
        runs = Combination("ridge", 0.0)
    keep(runs, recordings, spans, out, learned.network.config.places)
    return runs


def prepare(material: Material, config: NetworkConfig, recipe: Recipe) -> tuple[Network, Recordings]:
    """Make a fresh network for the sessions' electrodes, and the sessions as it wants to be fed to learn."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(recipe.seed)
        network = Network(config, labels_of(material))
    return network, fed(material, network, to_train=True)


def fed(material: Material, network: Network, to_train: bool = False) -> Recordings:
    """Sessions in the channels and the band of a network, with its embeddings of their frames.

    `to_train` leaves frames as pictures where the network's own encoder is to be trained.
    """
    recordings = cut(material, network)
    recordings.embed(network, to_train=to_train)
    return recordings


def cut(material: Material, network: Network) -> Recordings:
    """Return the same without embeddings."""
    conditioning = material.conditioning.model_copy(
        update={"channels": network.labels, "band_hz": network.eeg_tower.encoder.band_hz}
    )
    return material.recordings(network.config.grid, conditioning)


def channels_there(material: Material) -> tuple[str, ...]:
    """Return all channels of the first session."""
    with Session(material.sessions[0]) as session:
        return tuple(session.eeg(material.eeg or None).info.labels)


def labels_of(material: Material) -> tuple[str, ...]:
    """Return the channels asked for, or all EEG channels of the first session."""
    if not material.sessions:
        return ()
    with Session(material.sessions[0]) as session:
        info = session.eeg(material.eeg or None).info
    chosen = choose_channels(info.labels, material.conditioning.channels, info.kinds)
    return tuple(info.labels[i] for i in chosen)


def advice(minutes: float, trained: Trained, runs: Combination, *, fresh: bool) -> str:
    """Say what the amount of data, the way the training went, and what was judged best call for."""
    if trained.reason == "interrupted":
        return f"interrupted after step {trained.steps}: the same command goes on from there"
    said = []
    if fresh and minutes < LEAST_MINUTES:
        said.append(
            f"{minutes:.1f} min of data are less than the {LEAST_MINUTES:g} a network needs: record more"
        )
    if runs.has_linear:
        what = "a linear model stands in for the network" if not runs.has_network else "they are summed"
        why = "the best on the parts that were held out" if runs.judged else "too little to judge others"
        said.append(f"what runs is {runs.name} ({what}): {why}")
    return ". ".join(said)
