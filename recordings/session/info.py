"""What is in a session and how good it is, as plain values for printing, JSON or a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from realtime.errors import PhospheneError, SessionError, StreamFormatError
from realtime.time.stamps import StampFitter
from realtime.types import RawChunk
from recordings.session.channel_quality import Missing, channel_quality
from recordings.session.manifest import read_manifest, sha256
from recordings.session.session import Session
from recordings.session.tracks import EegTrack, VideoTrack
from recordings.video.files import VideoReader
from recordings.xdf.index import StreamInfo, XdfStream
from recordings.xdf.sync import sane_offsets, trusted

_DRIFT_PPM = 200.0  # more than any crystal: something else is wrong
_DISAGREE_MS = 2.0  # Matroska rounds times to 1 ms; more is not rounding
_GAP_FRAMES = 5.0  # a pause this many frames long is worth a word


def describe(session: Session, check_sums: bool = False) -> dict[str, Any]:
    """Audit a session.

    Parameters
    ----------
    check_sums : bool
        Also compare the files with the check sums of the manifest, which reads them from end to end.

    Returns
    -------
    dict
        `start`, `end`, `duration_s` on the session's clock; `complete` (was it closed?); `streams`, one entry
        each; `eeg`, `video` and `markers` in more detail; `manifest` where there is one; `warnings`, what
        happened while it was recorded; and `problems`, each a sentence, empty where nothing is wrong.
    """
    problems: list[str] = []
    if not session.reader.complete:
        problems.append("the recording was not closed (a crash?): run `phosphene repair` to add its footers")
    problems += [f"in the file, {what}" for what in session.reader.left_out.sentences()]
    for stream in session.reader.streams.values():
        problems += _offset_problems(stream)
    start, end = session.span
    report: dict[str, Any] = {
        "name": session.name,
        "path": str(session.path),
        "start": start,
        "end": end,
        "duration_s": end - start,
        "complete": session.reader.complete,
        "streams": [_stream(s) for s in session.reader.streams.values()],
        "eeg": _all_eeg(session, problems),
        "video": [_video(session, s, problems) for s in session.video_streams],
        "markers": _markers(session),
        "manifest": _manifest(session.folder, check_sums, problems),
    }
    report["warnings"] = (report["manifest"] or {}).get("warnings", [])
    report["problems"] = problems
    return report


def _offset_problems(stream: XdfStream) -> list[str]:
    """Say what of a stream's clock offsets and footer cannot be believed."""
    found, name = [], stream.info.name
    n_odd = int(np.count_nonzero(~sane_offsets(stream.offset_times, stream.offset_values)))
    if n_odd:
        found.append(
            f"{name}: {n_odd} of {len(stream.offset_times)} clock offsets are senseless and left out"
        )
    claimed = stream.footer_count
    if claimed is not None and abs(claimed - stream.n_samples) > 1:  # liblsl may write one more
        found.append(f"{name}: its footer counts {claimed} samples, the file holds {stream.n_samples}")
    return found


def _stream(stream: XdfStream) -> dict[str, Any]:
    """Describe what any stream has."""
    info, (_, _, values) = stream.info, trusted(stream)
    return {
        "id": info.stream_id,
        "name": info.name,
        "type": info.type,
        "n_channels": info.n_channels,
        "format": info.format,
        "rate_nominal": info.rate_nominal,
        "source_id": info.source_id,
        "host": info.host,
        "samples": stream.n_samples,
        "samples_claimed": stream.footer_count,
        "clock_offsets": len(values),
        "clock_offset_s": float(np.median(values)) if len(values) else None,
        "clock_offset_span_ms": float(np.ptp(values)) * 1e3 if len(values) else None,
    }


def _all_eeg(session: Session, problems: list[str]) -> list[dict[str, Any]]:
    found = []
    for info in session.eeg_streams:
        try:
            found.append(_eeg(session.eeg(f"id={info.stream_id}"), problems))
        except SessionError as error:
            problems.append(str(error))
    return found


def _eeg(track: EegTrack, problems: list[str]) -> dict[str, Any]:
    info, (start, end) = track.info, track.span
    report: dict[str, Any] = {
        "name": info.name,
        "unit": info.unit,
        "labels": list(info.labels),
        "rate_nominal": info.rate_nominal,
        "samples": track.n_samples,
        "start": start,
        "end": end,
    }
    problems += [f"{info.name}: {one}" for one in track.clock_sets]
    missing = Missing(info)
    try:
        report |= _timing(track, missing, problems)
    except PhospheneError as error:
        problems.append(f"{info.name}: {error}")
    try:
        report["channels"] = channel_quality(track, missing, problems)
    except StreamFormatError as error:
        problems.append(f"{info.name}: {error}")
    return report


def _timing(track: EegTrack, missing: Missing, problems: list[str]) -> dict[str, Any]:
    """Find rate, drift and gaps by the code that finds them live; count in `missing` what is no value."""
    fitter = StampFitter(track.info.rate_nominal)
    offsets = track.offsets
    for piece in track.pieces():
        fitter.push(RawChunk(np.zeros((len(piece.stamps), 0), np.float32), piece.stamps, offsets))
        offsets = ()
        missing.push(piece.samples)
    fitter.flush()
    name = track.info.name
    if fitter.gaps:
        problems.append(f"{name}: {fitter.gaps} gaps, {fitter.lost_samples} samples lost")
    if abs(fitter.drift_ppm) > _DRIFT_PPM:
        claimed = f"where it claims {track.info.rate_nominal:g}"
        problems.append(f"{name}: {fitter.rate_effective:.2f} samples a second {claimed}")
    return {
        "rate_effective": fitter.rate_effective,
        "drift_ppm": fitter.drift_ppm,
        "jitter_ms": fitter.jitter_ms,
        "gaps": fitter.gaps,
        "lost_samples": fitter.lost_samples,
    }


def _video(session: Session, info: StreamInfo, problems: list[str]) -> dict[str, Any]:
    report: dict[str, Any] = {"name": info.name, "file": info.text("desc/video/file")}
    try:
        track = session.video(f"id={info.stream_id}")
        with VideoReader(track.path) as reader:
            pts, left_out = reader.pts, reader.n_left_out
    except PhospheneError as error:
        problems.append(str(error))
        return report
    problems += [f"{info.name}: {one}" for one in track.clock_sets]
    if track.n_left_out:
        problems.append(f"{info.name}: {track.n_left_out} frames have no usable stamp and are left out")
    if left_out:
        problems.append(
            f"{info.name}: {left_out} frames of {report['file']} have no time or are damaged, and no number"
        )
    steps = np.diff(track.times)
    missing = int(np.sum(track.frame_index >= len(pts)))
    dropped = int(np.maximum(np.diff(track.seq) - 1, 0).sum())
    apart_ms = _disagreement_ms(track, pts)
    if missing:
        problems.append(
            f"{info.name}: {missing} of {track.n_samples} stamped frames are not in {report['file']}"
        )
    if dropped:
        problems.append(f"{info.name}: {dropped} frames were dropped while it was recorded")
    if apart_ms is not None and apart_ms > _DISAGREE_MS:
        problems.append(f"{info.name}: times in {report['file']} are up to {apart_ms:.0f} ms off the stamps")
    if len(steps) and steps.max() > _GAP_FRAMES * np.median(steps):
        at = float(track.times[int(np.argmax(steps))])
        problems.append(f"{info.name}: no frame for {steps.max() * 1e3:.0f} ms after {at:.3f} s")
    return report | {
        "codec": track.codec,
        "width": track.width,
        "height": track.height,
        "frames_stamped": track.n_samples,
        "frames_in_file": len(pts),
        "frames_missing": missing,
        "frames_dropped": dropped,
        "fps": track.fps_nominal,
        "longest_pause_ms": float(steps.max()) * 1e3 if len(steps) else None,
        "times_apart_ms": apart_ms,
        "offset_mean_s": float(info.text("desc/synchronization/offset_mean") or 0),
        "start": track.span[0],
        "end": track.span[1],
        **_against_eeg(session, track),
    }


def _disagreement_ms(track: VideoTrack, pts: np.ndarray) -> float | None:
    """How far the file's own times and the stamps drift apart at most, once both begin at 0."""
    there = track.frame_index < len(pts)
    if not there.any():
        return None
    apart = pts[track.frame_index[there]] - track.times[there]
    return float(np.abs(apart - apart[0]).max()) * 1e3


def _against_eeg(session: Session, track: VideoTrack) -> dict[str, float]:
    """How much later than the first EEG stream the video begins and ends, seconds."""
    if not session.eeg_streams:
        return {}
    start, end = session.eeg(f"id={session.eeg_streams[0].stream_id}").span
    return {"starts_after_eeg_s": track.span[0] - start, "ends_after_eeg_s": track.span[1] - end}


def _markers(session: Session) -> dict[str, Any]:
    markers = session.markers()
    texts: dict[str, int] = {}
    for marker in markers:
        texts[marker.text] = texts.get(marker.text, 0) + 1
    most = sorted(texts.items(), key=lambda item: -item[1])[:20]
    return {"count": len(markers), "different": len(texts), "most_frequent": dict(most)}


def _manifest(folder: Path, check_sums: bool, problems: list[str]) -> dict[str, Any] | None:
    try:
        manifest = read_manifest(folder)
    except SessionError as error:
        problems.append(str(error))
        return None
    if manifest is None:
        return None
    if check_sums:
        for name, known in manifest["files"].items():
            file = folder / Path(name).name
            if not file.is_file():
                problems.append(f"{name} is missing")
            elif sha256(file) != known.get("sha256"):
                problems.append(f"{name} has changed since it was recorded")
    return manifest
