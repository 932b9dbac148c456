"""Verbs on recorded sessions: info, repair, report, import, export, anonymize."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from commands.grouping import grouped
from commands.options import BidsGroup, EegOfSession, Json, SessionFolder, Unit
from commands.output import print_json, tell


def report(
    session: SessionFolder,
    out: Annotated[
        Path | None, typer.Option("--out", help="The HTML file; report.html in the folder by default.")
    ] = None,
    stills: Annotated[
        bool, typer.Option("--stills/--no-stills", help="Show pictures from the video.")
    ] = True,
) -> None:
    """Write one page on a session: similarity against chance, events, feedback, health of the streams."""
    from recordings.report.page import write_report

    typer.echo(write_report(session, out, stills))


@dataclass(frozen=True)
class AlignmentGroup:
    """When the video was shown."""

    PANEL: ClassVar = "Which frame at which sample (one of these)"

    start_marker: Annotated[
        str | None, typer.Option(help="Marker at which the video's first frame was shown.")
    ] = None
    offset_s: Annotated[
        float | None, typer.Option(help="Or: how long after the first EEG sample, seconds.")
    ] = None
    frames: Annotated[
        str | None, typer.Option(help="Or: the stream of an XDF that numbers the video's frames.")
    ] = None


@dataclass(frozen=True)
class ForeignGroup:
    """What the file does not say, or says wrongly."""

    PANEL: ClassVar = "What the file does not say"

    eeg: Annotated[
        str | None, typer.Option("--eeg", help="The stream of an XDF that is the EEG, whatever its type.")
    ] = None
    unit: Unit = None
    montage: Annotated[
        str | None, typer.Option(help="Names for the EEG channels, in their order: Fz,Cz,Pz")
    ] = None
    trigger_bits: Annotated[
        int | None,
        typer.Option(min=1, max=16, help="Low bits of a BDF's status channel that are triggers: 8 or 16."),
    ] = None


@grouped
def import_(
    recording: Annotated[
        Path, typer.Argument(help="LabRecorder's .xdf, or EDF, BDF, BrainVision, EEGLAB, FIF.")
    ],
    video: Annotated[Path, typer.Argument(help="The video that belongs to it.")],
    out: Annotated[Path, typer.Argument(help="Folder of the new session.")],
    shown: AlignmentGroup,
    foreign: ForeignGroup,
) -> None:
    """Make a session of somebody else's recording and a video."""
    from recordings.exchange.importing import ImportOptions, import_eeg, import_xdf

    names = tuple(name.strip() for name in foreign.montage.split(",")) if foreign.montage else ()
    options = ImportOptions(foreign.unit, names, foreign.trigger_bits, foreign.eeg, shown.frames, tell)
    make = import_xdf if recording.suffix.lower() in (".xdf", ".xdfz") else import_eeg
    typer.echo(
        make(recording, video, out, start_marker=shown.start_marker, offset_s=shown.offset_s, options=options)
    )


@grouped
def export(
    session: SessionFolder,
    out: Annotated[
        Path,
        typer.Argument(
            help="NAME_raw.fif, NAME.edf, NAME.bdf, NAME.npz, NAME.zarr, or with --bids a data set's root."
        ),
    ],
    named: BidsGroup,
    bids: Annotated[bool, typer.Option("--bids", help="Add it to a BIDS data set.")] = False,
    eeg: EegOfSession = None,
    unit: Unit = None,
) -> None:
    """Hand a session on: to FIF, EDF+, BDF+, arrays of aligned intervals (.npz, .zarr), or to BIDS."""
    from recordings.exchange.exporting import left_behind
    from recordings.session.session import Session

    with Session(session) as opened:
        if bids:
            from recordings.exchange.bids import export_bids

            written = export_bids(opened, out, named.entities(), eeg=eeg, unit=unit)
        elif out.suffix.lower() in (".edf", ".bdf"):
            from recordings.exchange.edf_writing import export_edf

            written = export_edf(opened, out, eeg, unit)
        elif out.suffix in (".npz", ".zarr"):
            from recordings.exchange.interval_arrays import export_intervals

            written = export_intervals(opened, out, eeg=eeg or "")
        else:
            from recordings.exchange.exporting import export_fif

            written = export_fif(opened, out, eeg, unit)
        others = left_behind(opened, eeg)
    if others:
        typer.echo(f"not exported: {', '.join(others)}; they stay in the session's XDF", err=True)
    typer.echo(written)


def anonymize(
    session: SessionFolder,
    out: Annotated[Path, typer.Argument(help="Folder of the copy.")],
    keep_video: Annotated[
        bool, typer.Option("--keep-video", help="Keep the pictures: a film that was shown.")
    ] = False,
    word: Annotated[
        list[str] | None, typer.Option("--word", help="A name that may not be left anywhere.")
    ] = None,
) -> None:
    """Copy a session without names, dates, hosts, serial numbers and faces."""
    from recordings.exchange.anonymizing import anonymize as copy_without
    from recordings.session.session import Session

    with Session(session) as opened:
        typer.echo(copy_without(opened, out, keep_video, word or ()))


def info(
    session: Annotated[Path, typer.Argument(help="Folder of a session, or of a model.")],
    json: Json = False,
    check_sums: Annotated[
        bool, typer.Option("--check-sums", help="Compare the files with the manifest's.")
    ] = False,
) -> None:
    """Audit a recorded session: rates, drift, gaps, channels, frames, what is wrong. Or tell of a model."""
    from experiment.console import print_audit
    from experiment.person.facts import model_facts, print_model
    from recordings.session.info import describe
    from recordings.session.session import Session

    if (facts := model_facts(session)) is not None:
        (print_json if json else print_model)(facts)
        return
    with Session(session) as opened:
        report = describe(opened, check_sums)
    if json:
        print_json(report)
    else:
        print_audit(report)


def repair(
    recording: Annotated[
        Path, typer.Argument(help="A damaged .xdf file, or the folder that holds session.xdf.")
    ],
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Replace the file; the damaged one is kept beside.")
    ] = False,
    json: Json = False,
) -> None:
    """Save what is whole of a recording that a crash cut short; nothing is deleted."""
    from recordings.xdf.repair import repair as save_whole

    saved = save_whole(recording / "session.xdf" if recording.is_dir() else recording, in_place)
    if json:
        print_json(vars(saved))
        return
    for damage in saved.damages:
        typer.echo(f"left out: {damage}")
    for name, n_samples in saved.samples:
        typer.echo(f"saved: {n_samples} samples of {name}")
    typer.echo(f"{'nothing was wrong with' if saved.was_whole else 'written to'} {saved.path}")
