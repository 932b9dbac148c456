"""Sessions of several people: whose layers a network is built with, and how somebody new joins them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from models.config import NetworkConfig
from models.network.network import Network
from realtime.errors import ConfigError
from recordings.session.naming import subject_of


def with_people(config: NetworkConfig, sessions: Sequence[str | Path]) -> NetworkConfig:
    """Return the configuration with a spatial layer for each person, where it asks for that.

    Where `eeg.subject_layers` is None that is: for sessions of at least two people, all of them named.

    Raises
    ------
    ConfigError
        Layers are asked for, and somebody is not named.
    """
    wanted = config.eeg.subject_layers
    if wanted is False:
        return config
    named = {Path(session): subject_of(Path(session)) for session in sessions}
    unnamed = [str(session) for session, person in named.items() if not person]
    people = sorted(set(named.values()) - {""})
    if wanted is None and (unnamed or len(people) < 2):
        return config
    if unnamed:
        raise ConfigError(
            f"eeg.subject_layers asks whose each session is, and {unnamed[0]} does not say: record with "
            f"--sub NAME, or call its folder sub-NAME"
        )
    return of_people(config, people)


def of_people(config: NetworkConfig, people: Sequence[str]) -> NetworkConfig:
    """Return the configuration with layers for exactly these people."""
    return config.model_copy(update={"eeg": config.eeg.model_copy(update={"people": tuple(people)})})


def joined_by(network: Network, person: str) -> Network:
    """Return a network with a layer for one more person, the mean of the others' to begin with.

    One without layers, or with theirs already, stays as it is.
    """
    subjects = network.eeg_tower.subjects
    if subjects is None or not person or person in subjects.people:
        return network
    with torch.random.fork_rng(devices=()):
        made = Network(of_people(network.config, (*subjects.people, person)), network.labels)
    state = network.state_dict()
    name = "eeg_tower.subjects.change"
    state[name] = torch.cat((state[name], state[name].mean(dim=0, keepdim=True)))
    made.load_state_dict(state)
    return made.train(network.training)
