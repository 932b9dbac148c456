"""Progress of a training as TensorBoard events. Needs the package `tensorboard`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.learning.training.fit import Progress
from realtime.errors import ConfigError


def tensorboard(folder: Path) -> Callable[[Progress], None]:
    """Make a `report` for `train_sessions` that writes every figure to `folder`.

    Raises
    ------
    ConfigError
        The package is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as missing:
        raise ConfigError("TensorBoard is not installed: run `pip install tensorboard`") from missing
    writer: Any = SummaryWriter(str(folder))

    def report(progress: Progress) -> None:
        figures = {"loss": progress.loss, "learning rate": progress.lr}
        figures |= {f"term/{name}": value for name, value in progress.terms.items()}
        figures |= {f"gradient share/{name}": value for name, value in progress.shares.items()}
        found = progress.validation
        if found is not None:
            figures["held out/similarity"] = found.similarity
            if found.match is not None:
                figures["held out/match"] = found.match
        for name, value in figures.items():
            writer.add_scalar(name, value, progress.step)
        if progress.step == progress.steps or found is not None:
            writer.flush()

    return report
