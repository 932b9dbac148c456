"""What is fuzzed: for each kind of file its whole examples, and what reads it as a user's command would."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np

from realtime.errors import PhospheneError
from realtime.video.calibration import load_offset
from recordings.exchange.foreign.edf import EdfFile
from recordings.session.info import describe
from recordings.session.session import Session
from recordings.xdf.index import StreamInfo
from recordings.xdf.reader import XdfReader
from recordings.xdf.repair import repair
from tests.fuzz.of_models import MODEL_TARGETS
from tests.fuzz.target import Target
from tests.support.files.edf_bytes import eeg, write_edf
from tests.support.files.xdf_bytes import (
    boundary_chunk,
    eeg_file,
    eeg_header,
    offset_chunk,
    sample_chunks,
    wave,
)
from tests.support.small_session import write_small


def _xdf_seeds(folder: Path) -> list[bytes]:
    stamps = 5000 + np.arange(60) / 250
    extra = [boundary_chunk(), *(offset_chunk(5000.0 + k, 0.25) for k in range(4))]
    plain = eeg_file(folder / "a.xdf", stamps, extra=extra).read_bytes()
    unstamped = plain.replace(sample_chunks(stamps[:25], wave(60)[:25])[0], b"")
    small = write_small(folder / "small", seconds=1.0, frames=False) / "session.xdf"
    text = eeg_file(folder / "b.xdf", stamps, eeg_header(rate=0.0, labels=("a", "b", "c", "d"))).read_bytes()
    return [plain, unstamped, text, small.read_bytes()]


def _read_xdf(data: bytes, folder: Path) -> None:
    path = folder / "a.xdf"
    path.write_bytes(data)
    (folder / "a.repaired.xdf").unlink(missing_ok=True)
    with contextlib.suppress(PhospheneError), XdfReader(path) as reader:
        for stream_id in reader.streams:
            reader.read(stream_id)
    kept = repair(path).path
    with XdfReader(kept) as reader:  # what was repaired is whole
        for stream_id in reader.streams:
            reader.read(stream_id)


def _read_session(data: bytes, folder: Path) -> None:
    (folder / "session.xdf").write_bytes(data)
    with Session(folder) as session:
        session.markers()
        json.dumps(describe(session), default=str)


def _header_seeds(folder: Path) -> list[bytes]:
    return [eeg_header().xml().encode(), b"<info><channel_count>1</channel_count></info>"]


def _read_header(data: bytes, folder: Path) -> None:
    try:
        info = StreamInfo.parse(1, data)
    except ValueError as error:  # the reader notes it and steps over the chunk
        raise PhospheneError(str(error)) from error
    assert info.n_channels >= 0


def _edf_seeds(folder: Path) -> list[bytes]:
    signals = [eeg("EEG Fz", 16), eeg("ECG", 32)]

    def notes(record: int) -> bytes:
        return b"+%d\x14\x14\0+%d\x151\x14text\x14\0" % (record * 2, record * 2)

    return [
        write_edf(folder / "a.edf", signals, 3).read_bytes(),
        write_edf(folder / "b.edf", signals, 3, "EDF+D", notes).read_bytes(),
        write_edf(folder / "c.bdf", signals, 3).read_bytes(),
    ]


def _read_edf(data: bytes, folder: Path) -> None:
    path = folder / "a.edf"
    path.write_bytes(data)
    source = EdfFile(path)
    for group in source.groups:
        for block in source.blocks(group):
            assert len(block.seconds) == len(block.samples)


def _manifest_seeds(folder: Path) -> list[bytes]:
    entities = {"sub": "01", "task": "film", "run": "02"}
    content = {
        "complete": True,
        "files": {"session.xdf": {"bytes": 1, "sha256": "0"}},
        "model": {"name": "x"},
    }
    return [json.dumps({**content, "options": {"entities": entities}}).encode(), b"{}", b"[1, null]"]


def _read_manifest(data: bytes, folder: Path) -> None:
    from recordings.exchange.bids import entities_of
    from recordings.report.page import write_report

    session = folder / "s"
    if not session.exists():
        write_small(session, seconds=1.0, frames=False)
    (session / "manifest.json").write_bytes(data)
    with Session(session) as opened:
        describe(opened, check_sums=True)
        entities_of(opened)
    (session / "report.html").unlink(missing_ok=True)
    write_report(session, None, stills=False)


def _calibration_seeds(folder: Path) -> list[bytes]:
    known = {"webcam | driver": {"offset_mean": 0.03, "offset_spread": 0.002, "measured": "2026-01-01"}}
    return [json.dumps(known).encode(), b"{}"]


def _read_calibration(data: bytes, folder: Path) -> None:
    (folder / "cameras.json").write_bytes(data)
    load_offset("webcam", "driver", folder)


TARGETS = {
    "xdf": Target(_xdf_seeds, _read_xdf),
    "session": Target(_xdf_seeds, _read_session),
    "header": Target(_header_seeds, _read_header),
    "edf": Target(_edf_seeds, _read_edf),
    "manifest": Target(_manifest_seeds, _read_manifest),
    "calibration": Target(_calibration_seeds, _read_calibration),
    **MODEL_TARGETS,
}


def try_once(target: Target, data: bytes, folder: Path) -> str:
    """Return "read" or "refused"; any other outcome is the exception itself."""
    try:
        target.read(data, folder)
    except PhospheneError as refusal:
        if "\n" in str(refusal).strip():
            raise RuntimeError("a refusal of more than one line") from refusal
        return "refused"
    return "read"
