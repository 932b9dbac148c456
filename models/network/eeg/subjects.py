"""A matrix over electrodes for each person, before an EEG encoder that all of them share.

Heads and caps differ, and so does where on the scalp the same answer shows; what the answer looks like
differs less. So each person has a 1 × 1 convolution over electrodes of their own, and the rest is learned
from all (subject layers, Défossez et al. 2023, doi:10.1038/s42256-023-00714-5, arXiv 2208.12266).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

UNKNOWN = -1
"""Number of a person who is not among those learned from: the mean of all layers is theirs."""


class SubjectLayers(nn.Module):
    """EEG of a person → EEG as if all people wore one head. Every layer begins as the identity.

    Parameters
    ----------
    people : sequence of str
    n_channels : int

    Attributes
    ----------
    change : (people, C, C)
        What each layer adds to the identity; weight decay draws it to 0, so people are drawn together.
    chosen : () int64
        Whose layer is used where a call does not say: `UNKNOWN` until `choose` was called.
    """

    chosen: Tensor

    def __init__(self, people: Sequence[str], n_channels: int) -> None:
        super().__init__()
        self.people = tuple(people)
        self.change = nn.Parameter(torch.zeros(len(self.people), n_channels, n_channels))
        self.register_buffer("chosen", torch.tensor(UNKNOWN), persistent=False)

    def number(self, person: str) -> int:
        """Return a person's number, `UNKNOWN` for somebody else."""
        return self.people.index(person) if person in self.people else UNKNOWN

    def choose(self, person: str) -> bool:
        """Use a person's layer from now on where a call does not say whose; True if they have one."""
        self.chosen.fill_(self.number(person))
        return person in self.people

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor, person: Tensor | None = None) -> Tensor:
        """Mix electrodes, each in units of its running scale.

        Parameters
        ----------
        eeg : (N, C, n_times) µV
        valid : (N, C, n_times) bool
            What is not valid adds nothing to others.
        scale : (N, C) µV
        person : (N,) int64, optional

        Returns
        -------
        (N, C, n_times) µV
        """
        of_all = torch.cat((self.change, self.change.mean(dim=0, keepdim=True)))
        which = self.chosen if person is None else person
        change = of_all[which % len(of_all)]  # UNKNOWN is the last: the mean
        known = (scale > 0)[:, :, None]
        unit = torch.where(known, scale[:, :, None], 1.0)
        points = torch.where(valid & known, eeg, 0.0) / unit
        return eeg + (change @ points) * unit
