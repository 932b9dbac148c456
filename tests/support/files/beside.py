"""Every file there is, read here and by the field's readers: `python -m tests.support.files.beside [DATA]`.

Prints the table of docs/files.md. DATA is the folder of real recordings, by default that beside the checkout.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pyxdf

from realtime.errors import PhospheneError
from recordings.exchange.edf_writing import export_edf
from recordings.exchange.exporting import export_fif
from recordings.exchange.foreign.edf import EdfFile
from recordings.exchange.foreign.mne_file import MneFile
from recordings.session.session import Session
from recordings.xdf.reader import XdfReader
from tests.support.files.edf_bytes import eeg, write_edf
from tests.support.files.xdf_bytes import eeg_file

_UV = 1e6


def xdf_row(path: Path) -> tuple[str, str]:
    """Compare all streams with pyxdf's, stamps as they stand in the file."""
    theirs, _ = pyxdf.load_xdf(str(path), synchronize_clocks=False, dejitter_timestamps=False)
    n, equal = 0, True
    with XdfReader(path) as reader:
        equal &= set(reader.streams) == {stream["info"]["stream_id"] for stream in theirs}
        for stream in theirs:
            stamps, values = reader.read(stream["info"]["stream_id"])
            n += len(stamps)
            equal &= np.array_equal(stamps, stream["time_stamps"], equal_nan=True)
            given = stream["time_series"]
            same = (
                values == given if isinstance(values, list) else np.array_equal(values, given, equal_nan=True)
            )
            equal &= bool(same) or not len(stamps)
    outcome = "stamps and values equal" if equal else "DIFFERENT"
    return "pyxdf", f"{len(theirs)} streams, {_count(n)} samples: {outcome}"


def mne_row(path: Path) -> tuple[str, str]:
    """Compare EEG channels with mne's, in µV, and their times."""
    ours: Any = EdfFile(path) if path.suffix in (".edf", ".bdf") else MneFile(path)
    raw = mne.io.read_raw(path, verbose="error")
    (group, *_) = ours.groups
    blocks = list(ours.blocks(group))
    samples = np.concatenate([block.samples for block in blocks])
    seconds = np.concatenate([block.seconds for block in blocks])
    labels = [channel.label for channel in group.channels]
    theirs = raw.get_data(labels).T * _UV
    place = np.rint(seconds * group.rate).astype(int)
    off = np.abs(samples - theirs[place]).max()
    late = np.abs(seconds - raw.times[place]).max()
    return "mne", (
        f"{len(labels)} EEG channels, {_count(len(samples))} samples at {group.rate:g} Hz: values within "
        f"{off:.1g} µV of ±{np.abs(theirs).max():.3g}, times within {late:.1g} s"
    )


def _count(n: int) -> str:
    return f"{n:,}".replace(",", " ")


def own_files(folder: Path) -> Iterator[Path]:
    """Files that this program or its tests write: an export in each format, and an EDF with gaps' bytes."""
    stamps = 5000 + np.arange(2500) / 250
    with Session(eeg_file(folder / "a.xdf", stamps)) as session:
        yield export_fif(session, folder / "export_raw.fif")
        yield export_edf(session, folder / "export.edf")
        yield export_edf(session, folder / "export.bdf")
    yield write_edf(folder / "generated.edf", [eeg("EEG Fz"), eeg("EEG Cz")], 10)


def rows(data: Path) -> Iterator[tuple[str, str, str]]:
    """Yield name, reader and outcome of every file."""
    sessions = sorted(data.glob("sessions/*/*/session.xdf"))
    for path in [*sorted(data.glob("xdf/*.xdf")), *sessions]:
        yield str(path.relative_to(data)), *xdf_row(path)
    eeg_files = sorted(p for p in data.glob("eeg/*") if p.suffix in (".edf", ".bdf", ".vhdr", ".set"))
    with tempfile.TemporaryDirectory() as scratch:
        for path in [*eeg_files, *own_files(Path(scratch))]:
            name = path.relative_to(data) if path.is_relative_to(data) else f"{path.name} (ours)"
            try:
                yield str(name), *mne_row(path)
            except PhospheneError as refusal:
                yield str(name), "mne", f"refused: {refusal}"


def main() -> None:
    """Print the table."""
    logging.getLogger("pyxdf").setLevel(logging.CRITICAL)
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    print("| file | beside | outcome |\n|---|---|---|")
    for row in rows(Path(sys.argv[1]) if len(sys.argv) > 1 else beside):
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
