"""A stand-in for braindecode.models with its published interface.

It has what braindecode's documentation states of every foundation model: the arguments of the constructor,
`from_pretrained`, and `return_features=True`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn


class Model(nn.Module):
    """Common ground of the stand-ins: patches of 1 s, one linear map."""

    def __init__(
        self, n_outputs: int, n_chans: int, chs_info: list[dict[str, Any]], n_times: int, sfreq: float
    ) -> None:
        super().__init__()
        self.names, self.rate = [channel["ch_name"] for channel in chs_info], sfreq
        self.shape = (n_chans, n_times)
        self.map = nn.Linear(200, 12)

    @classmethod
    def from_pretrained(cls, name: str, **signal: Any) -> Model:
        if name != "known/weights":
            raise OSError("Name or service not known")
        model = cls(**signal)
        nn.init.ones_(model.map.weight)
        return model

    def forward(self, x: torch.Tensor, return_features: bool = False) -> Any:
        assert x.shape[1:] == self.shape
        features = self.map(x.unflatten(2, (-1, 200)))  # (N, C, P, D)
        return {"features": self.arrange(features), "cls_token": None} if return_features else x[:, :2, 0]

    def arrange(self, features: torch.Tensor) -> torch.Tensor:
        return features


class ByPatch(Model):
    pass


class ByToken(Model):
    def arrange(self, features: torch.Tensor) -> torch.Tensor:
        return features.flatten(1, 2)


class Pooled(Model):
    def arrange(self, features: torch.Tensor) -> torch.Tensor:
        return features.mean(dim=(1, 2))


class Classifier(Model):
    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return x[:, :2, 0]


def install(patch: pytest.MonkeyPatch) -> None:
    """Put the stand-in where braindecode would be."""
    zoo = ModuleType("braindecode.models")
    for kind in (ByPatch, ByToken, Pooled, Classifier):
        setattr(zoo, kind.__name__, kind)
    patch.setitem(sys.modules, "braindecode", ModuleType("braindecode"))
    patch.setitem(sys.modules, "braindecode.models", zoo)
