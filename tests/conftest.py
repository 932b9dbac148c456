"""What all tests share: an LSL of their own on the loopback, and the data that may or may not be here."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path

import pytest

from realtime.lsl.isolation import config_of

_PLAIN = "not long and not partition"  # the marks that pyproject.toml asks for


def _isolate_lsl() -> None:
    """Point liblsl at a config of its own before anything imports pylsl; child processes inherit it."""
    path = Path(tempfile.mkdtemp(prefix="phosphene-lsl-")) / "lsl_api.cfg"
    path.write_text(config_of(f"phosphene-tests-{uuid.uuid4().hex[:8]}"))
    os.environ["LSLAPICFG"] = str(path)


_isolate_lsl()
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="phosphene-settings-")  # never the user's own
os.environ["PHOSPHENE_BACKEND"] = "eager"  # no test builds a network beside itself unless it asks for it
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # sums in one order, and nothing waits where others are at work


def pytest_configure(config: pytest.Config) -> None:
    """Leave out what is slow where everything is run; a file or folder that is named runs whole."""
    everything = config.args_source is not config.ArgsSource.ARGS
    if everything and config.option.markexpr == _PLAIN:
        config.option.markexpr += " and not slow"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real EEG, others' recordings and videos beside the checkout; skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here: real recordings are not part of the repository")
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """Small arrays of numbers computed by the original implementations; part of the repository."""
    return Path(__file__).resolve().parent / "golden"


@pytest.fixture
def source_id() -> str:
    """A source id no other test uses."""
    return f"phosphene-test-{uuid.uuid4().hex}"
