"""The small session that ships with the program: a virtual subject watches half a minute of film."""

from __future__ import annotations

from pathlib import Path

from realtime.types import EegInfo
from realtime.virtual.subject.session import simulate_session
from realtime.virtual.subject.subject import SubjectOptions
from recordings.session.writer import write_session

EXAMPLE = Path(__file__).parents[1] / "examples" / "virtual-subject"
_SIZE = 240, 135  # pixels; with 30 s of film this stays far under 2 MB


def make_example(folder: str | Path, seed: int = 0, seconds: float = 30.0) -> Path:
    """Write a session of the virtual subject; the same seed gives the same samples and frames.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there; a session in it is not written over.

    Returns
    -------
    Path
        The XDF file.

    Raises
    ------
    SessionError
        There is a session in the folder already.
    """
    simulated = simulate_session(seconds, SubjectOptions(seed=seed, film_seed=seed), _SIZE)
    info = EegInfo("Virtual subject", simulated.labels, "microvolts", simulated.rate, f"virtual-{seed}")
    return write_session(
        folder, info, simulated.stamps, simulated.samples, simulated.frames(), simulated.markers
    )
