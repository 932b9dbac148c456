"""What tests of backends share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from tests.support.checkpoints import write_checkpoint


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Small random checkpoints, each written when it is first asked for."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return cache(lambda kind: str(write_checkpoint(kind, folder / kind)))
