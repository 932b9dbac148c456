"""From sessions of one person to a model of that person: what `phosphene train` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from models.checkpoint import save_checkpoint
from models.config import NetworkConfig, preset
from models.learning import kept
from models.learning.baselines import LinearModels, fit_linear
from models.learning.data.dataset import Recordings, Span
from models.learning.data.folds import as_split, hold_out
from models.learning.people import with_people
from models.learning.spatial import set_spatial
from models.learning.training.fit import Progress, Split, Trained, fit
from models.learning.training.interrupt import ctrl_c
from models.learning.training.recipe import Recipe
from models.linear_model import FILE
from models.network.network import Network
from realtime.config import ConditioningConfig, GridConfig
from realtime.eeg.conditioning import choose_channels
from realtime.errors import WeightsError
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
    """

    sessions: Sequence[str | Path]
    conditioning: ConditioningConfig = field(default_factory=ConditioningConfig)
    cache: Path | None = None
    eeg: str = ""
    video: str = ""
    cues: Path | None = None

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
    does after a kill. With less than `LEAST_MINUTES` of data a linear model is written beside the network,
    and stands in for it live.

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
    config = preset(config, changes) if isinstance(config, str) else config
    config = with_people(config, material.sessions)
    network, recordings = prepare(material, config, recipe)
    train, held = hold_out(recordings.spans(), recipe.validation, guard=recordings.n_rows)
    split = as_split({"train": train, "validation": held}, recordings)
    set_spatial(network, recordings, train)
    with ctrl_c() as pressed:
        trained = fit(network, recordings, Split(train, held, split), recipe, out / STATE, report, pressed)
    metrics = {"recipe": recipe.model_dump(mode="json"), "training": asdict(trained)}
    minutes = recordings.minutes(train)
    keep_linear(recordings, train, out)
    save_checkpoint(out, network, out.resolve().name, split, metrics)
    if trained.reason != "interrupted":
        (out / STATE).unlink(missing_ok=True)
    return TrainingResult(out, minutes, trained, split, metrics, advice(minutes, trained))


def unfinished(out: Path, needed: bool = False) -> str:
    """Say what an earlier training has left in a folder to go on from; empty where there is nothing.

    Raises
    ------
    WeightsError
        There is nothing, and it is `needed`.
    """
    if (out / STATE).is_file():
        return f"going on from {out / STATE}; remove it to begin anew"
    if needed:
        raise WeightsError(f"{out} holds no {STATE} to go on from: train without --resume")
    return ""


def keep_linear(recordings: Recordings, train: Sequence[Span], out: Path) -> None:
    """Write the linear models of the same data, to be judged beside; older ones go.

    One of them is written to stand in live where there is too little data for a network.
    """
    for file in (FILE, kept.FILE):
        (out / file).unlink(missing_ok=True)
    if len(recordings.every(train, recordings.n_rows).end) > 3:
        kept.save_models(out, LinearModels(recordings).fit(train))
        if recordings.minutes(train) < LEAST_MINUTES:
            fit_linear(recordings, train).save(out)


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


def labels_of(material: Material) -> tuple[str, ...]:
    """Return the channels asked for, or all EEG channels of the first session."""
    if not material.sessions:
        return ()
    with Session(material.sessions[0]) as session:
        info = session.eeg(material.eeg or None).info
    chosen = choose_channels(info.labels, material.conditioning.channels, info.kinds)
    return tuple(info.labels[i] for i in chosen)


def advice(minutes: float, trained: Trained) -> str:
    """Say what the amount of data and the way the training went call for."""
    if minutes < LEAST_MINUTES:
        return (
            f"{minutes:.1f} min of data are less than the {LEAST_MINUTES:g} a network needs: a linear model "
            f"(see `phosphene baseline`) stands in for it live. Record more"
        )
    if trained.reason == "interrupted":
        return f"interrupted after step {trained.steps}: the same command goes on from there"
    return ""
