"""Verbs on this machine: streams, doctor, calibrate-camera, bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.options import Json
from commands.output import print_json, tell


def streams(
    json: Json = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0.1, help="How long to listen for streams, seconds.")
    ] = 2.0,
) -> None:
    """List the LSL streams and cameras that are there."""
    from experiment.console import print_streams
    from realtime.lsl.discovery import list_all_streams
    from realtime.lsl.isolation import hush
    from realtime.video.listing import list_cameras

    hush()
    found, cameras = list_all_streams(wait), list_cameras()
    if json:
        print_json({"streams": [vars(s) for s in found], "cameras": [vars(c) for c in cameras]})
    else:
        print_streams(found, cameras)


def doctor(json: Json = False) -> None:
    """Check what this machine needs to run the program, and say what to do about what is missing."""
    from experiment.console import print_findings
    from experiment.doctor import examine
    from realtime.lsl.isolation import hush

    hush()
    findings = examine()
    if json:
        print_json([finding.as_dict() for finding in findings])
    else:
        print_findings(findings)


def calibrate_camera(
    video: Annotated[str, typer.Argument(help="The camera's number, or a URL.")],
    json: Json = False,
) -> None:
    """Measure how late a camera's stamps are: it looks at the screen while that flashes."""
    from experiment.interrupt import interruptible
    from gui.setup.calibration_window import calibrate_camera

    with interruptible() as interrupted:
        result = calibrate_camera(video, should_stop=interrupted.is_set)
    offset = result.offset
    if json:
        print_json({**result._asdict(), "offset": vars(offset)})
    else:
        mean, spread = offset.offset_mean * 1e3, offset.offset_spread * 1e3
        typer.echo(f"{result.camera}: {mean:.1f} ms late, spread {spread:.1f} ms, kept in {result.path}")


def bench(
    parts: Annotated[
        list[str] | None, typer.Argument(help="Which parts: vit_b16, stages, tick, ring … All by default.")
    ] = None,
    json: Json = False,
    docs: Annotated[
        Path | None,
        typer.Option("--docs", help="Also put the numbers into this folder's performance.md."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small networks, short times: only proves that it runs.")
    ] = False,
) -> None:
    """Measure this machine: compiled networks, ticks, latency, window, memory, each beside its peer."""
    from models.bench.page import as_lines, check_page, write_page
    from models.bench.setting import Setting
    from models.bench.suite import planned, run_bench

    setting = Setting(quick=quick, progress=tell)
    if docs is not None:
        check_page(planned(setting, parts or ()), docs)
    found = run_bench(setting, parts or ())
    if json:
        print_json(found)
    else:
        for line in as_lines(found):
            typer.echo(line)
    if docs is not None:  # last: what was measured is told whatever becomes of the page
        write_page(found, docs)
