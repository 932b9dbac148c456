"""The field's usual senders, as their makers' public sources describe them, with made-up EEG.

    python -m tests.support.outlets.senders PREFIX NAME …

Prints `ready` once all can be found, and ends with its standard input. Names and source ids get the prefix,
so that no two runs meet; values: a 10 Hz wave of 20 µV on every electrode, whatever its unit and format.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pylsl

from realtime.types import TimeArray

Rows = list[dict[str, str]]
Values = Callable[[TimeArray], np.ndarray]
EMOTIV = ("AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4")
UNICORN = ("Fz", "C3", "Cz", "C4", "Pz", "PO7", "Oz", "PO8")
AMPLITUDE_UV = 20.0


@dataclass(frozen=True)
class Sender:
    """One stream.

    Attributes
    ----------
    rows : list of dict
        Entries of each channel's description; empty for a sender that describes none.
    values : callable
        Given times (n,), returns what is sent (n, n_channels).
    electrodes : tuple of str
        What is EEG of it, as it has to be named.
    unit : str
        Of its EEG, as it is taken.
    beside : tuple of (name suffix, type, n_channels, rate)
        Further streams of the device.
    """

    name: str
    type: str
    rate: float
    n_channels: int
    values: Values
    electrodes: tuple[str, ...]
    unit: str
    rows: Rows = field(default_factory=list)
    format: str = "float32"
    source_id: str = ""
    description: dict[str, str | dict[str, str]] = field(default_factory=dict)
    beside: tuple[tuple[str, str, int, float], ...] = ()


def wave(t: TimeArray, n: int, step_uv: float = 1.0, offset: float = 0.0) -> np.ndarray:
    """EEG (n_times, n) in steps of `step_uv`: the same wave everywhere, with a little noise."""
    phases = np.arange(n) / n
    noise = np.random.default_rng(int(t[0] * 1e3)).normal(0, 1, (len(t), n))
    return offset + (AMPLITUDE_UV * np.sin(2 * np.pi * (10 * t[:, None] + phases)) + noise) / step_uv


def beside(eeg: np.ndarray, *columns: np.ndarray | float) -> np.ndarray:
    """EEG with further columns."""
    whole = (c if np.ndim(c) else np.full(len(eeg), c) for c in columns)
    return np.column_stack([eeg, *whole])


def rows(labels: Iterator[str] | tuple[str, ...], unit: str, type: str = "EEG", **more: str) -> Rows:
    return [{"label": label, "unit": unit, "type": type, **more} for label in labels]


def numbered(n: int) -> tuple[str, ...]:
    return tuple(f"ch{i + 1}" for i in range(n))


def senders() -> dict[str, Sender]:
    """Every sender by a short name."""
    ramp = lambda t: np.arange(len(t)) % 128  # noqa: E731
    return {
        # github.com/alexandrebarachant/muse-lsl, muselsl/stream.py: five channels, the device's address as id
        "muse-lsl": Sender(
            "Muse",
            "EEG",
            256,
            5,
            lambda t: wave(t, 5),
            ("TP9", "AF7", "AF8", "TP10", "Right AUX"),
            "microvolts",
            rows(("TP9", "AF7", "AF8", "TP10", "Right AUX"), "microvolts"),
            source_id="Muse00:55:DA:B0:00:01",
            description={"manufacturer": "Muse"},
            beside=(("", "ACC", 3, 52), ("", "GYRO", 3, 52)),
        ),
        # github.com/OpenBCI/OpenBCI_GUI, NetworkStreamOutLSL: nothing is described, one id for all
        "openbci-gui": Sender(
            "obci_eeg1",
            "EEG",
            250,
            8,
            lambda t: wave(t, 8),
            numbered(8),
            "",
            source_id="openbcigui",
            beside=(("x", "AUX", 3, 250),),
        ),
        # g.tec Unicorn Suite, UnicornLSL: 17 channels of type Data, see realtime/eeg/makers.py
        "unicorn-lsl": Sender(
            "UN-2019.02.90",
            "Data",
            250,
            17,
            lambda t: beside(wave(t, 8), 0.1, 0.2, 1.0, 3.0, 4.0, 5.0, 90.0, ramp(t), 1.0),
            UNICORN,
            "",
        ),
        # github.com/robertoostenveld/unicorn2xx, unicorn2lsl.c
        "unicorn2lsl": Sender(
            "Unicorn",
            "EEG",
            250,
            16,
            lambda t: beside(wave(t, 8, offset=1.5e5), 0.1, 0.2, 1.0, 3.0, 4.0, 5.0, 90.0, ramp(t)),
            UNICORN,
            "uV",
            [
                *rows(tuple(f"eeg{i}" for i in range(1, 9)), "uV"),
                *rows(("accelX", "accelY", "accelZ"), "g", "ACCEL"),
                *rows(("gyroX", "gyroY", "gyroZ"), "deg/s", "GYRO"),
                *rows(("battery",), "percent", "BATTERY"),
                *rows(("counter",), "integer", "COUNTER"),
            ],
            source_id="k3j9x2ab",
            description={"acquisition": {"manufacturer": "Gtec", "model": "Unicorn"}},
        ),
        # github.com/labstreaminglayer/App-BrainAmpSeries: raw int16 with its resolution as scaling factor
        "brainamp": Sender(
            "BrainAmpSeries-Dev_1",
            "EEG",
            500,
            5,
            lambda t: beside(wave(t, 4, 0.5), 0.0),
            ("Fp1", "Fp2", "C3", "C4"),
            "microvolts",
            [
                *rows(("Fp1", "Fp2", "C3", "C4"), "microvolts", scaling_factor="0.5"),
                {"label": "triggerStream", "type": "EEG", "unit": "code"},
            ],
            "int16",
            "BrainAmpSeries-Dev_1",
            {"amplifier": {"resolution": "500 nV"}, "acquisition": {"manufacturer": "Brain Products"}},
        ),
        # github.com/brain-products/LSL-LiveAmp, mainwindow.cpp
        "liveamp": Sender(
            "LiveAmpSN-12345-0001",
            "EEG",
            500,
            11,
            lambda t: beside(wave(t, 3), wave(t, 1) * 9, 7.0, 8.0, 9.0, 1e3, ramp(t), -1.0, -1.0),
            ("Fz", "Cz", "Pz"),
            "microvolts",
            [
                *rows(("Fz", "Cz", "Pz"), "microvolts"),
                *rows(("BIP1",), "microvolts", "bipolar"),
                *rows(("AUX1",), "microvolts", "AUX"),
                *rows(("ACC_X", "ACC_Y", "ACC_Z"), "milliGs", "ACC"),
                *rows(("SampleCounter",), "", "SampleCounter"),
                *rows(("DeviceTrigger",), "integer", "Trigger"),
                *rows(("STESync",), "integer", "SyncPulse"),
            ],
            source_id="LiveAmpSN-12345-0001",
            description={"acquisition": {"manufacturer": "Brain Products"}},
            beside=(("-DeviceTrigger", "Markers", 1, 0),),
        ),
        # github.com/Emotiv/labstreaminglayer: doubles, a Unix time first, all but electrodes misc
        "emotivpro": Sender(
            "EmotivDataStream-EEG",
            "EEG",
            128,
            19,
            lambda t: np.column_stack(
                [
                    np.full(len(t), time.time()),
                    ramp(t),
                    np.zeros(len(t)),
                    wave(t, 14, offset=4200),
                    np.zeros((len(t), 2)),
                ]
            ),
            EMOTIV,
            "microvolts",
            [
                *rows(("Timestamp", "Counter", "Interpolate"), "", "misc"),
                *rows(EMOTIV, "microvolts"),
                *rows(("HardwareMarker", "Markers"), "", "misc"),
            ],
            "double64",
            "emotiv-1",
            beside=(("x", "Motion", 9, 32),),
        ),
        # github.com/vtr0n/emotiv-lsl, emotiv_epoc_x.py: no source id, offset of 4200 µV
        "epoc-x": Sender(
            "Epoc X",
            "EEG",
            128,
            14,
            lambda t: wave(t, 14, offset=4200),
            EMOTIV,
            "microvolts",
            rows(EMOTIV, "microvolts", scaling_factor="1"),
            description={"cap": {"name": "easycap-M1", "labelscheme": "10-20"}},
        ),
        # Neuroelectrics NIC 2: whole nanovolts; its wiki states the unit, the stream need not
        "nic2": Sender(
            "NIC-EEG",
            "EEG",
            500,
            8,
            lambda t: wave(t, 8, 1e-3, 1e6),
            ("F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"),
            "nV",
            [{"label": label, "type": "EEG"} for label in ("F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2")],
            description={"manufacturer": "Neuroelectrics"},
            beside=(("-Quality", "Quality", 8, 1),),
        ),
        "nic2-stated": Sender(
            "Enobio 8",
            "EEG",
            500,
            4,
            lambda t: wave(t, 4, 1e-3, 1e6),
            ("Fz", "Cz", "Pz", "Oz"),
            "nV",
            rows(("Fz", "Cz", "Pz", "Oz"), "nV"),
            "int32",
        ),
        # BrainFlow bridges as users write them (github.com/openbci-archive/OpenBCI_LSL, BrainFlow's examples)
        "brainflow": Sender(
            "OpenBCIEEG",
            "EEG",
            250,
            16,
            lambda t: wave(t, 16, offset=-2e4),
            numbered(16),
            "",
            source_id="OpenBCItestEEG",
        ),
        "brainflow-double": Sender(
            "BrainFlow",
            "EEG",
            250,
            4,
            lambda t: wave(t, 4),
            numbered(4),
            "",
            format="double64",
            source_id="bf",
        ),
        # MNE-LSL's player of a recording: volts, units as powers of ten, types in lower case
        "mne-lsl-player": Sender(
            "MNE-LSL-Player",
            "EEG",
            512,
            6,
            lambda t: beside(wave(t, 4, 1e6), wave(t, 1, 1e6) * 5, 0.0),
            ("F3", "Fz", "Cz", "Pz"),
            "0",
            [
                *rows(("F3", "Fz", "Cz", "Pz"), "0", "eeg"),
                *rows(("EOG",), "0", "eog"),
                *rows(("TRIGGER",), "0", "stim"),
            ],
            "double64",
            "mne-player",
        ),
        "mne-lsl-microvolts": Sender(
            "MNE-LSL-uV",
            "eeg",
            512,
            3,
            lambda t: beside(wave(t, 2), 0.0),
            ("AFz", "POz"),
            "-6",
            [*rows(("AFz", "POz"), "-6", "eeg"), *rows(("STI",), "0", "stim")],
            source_id="mne-uv",
        ),
        # OpenViBE's acquisition server and its LSL export box: type and kinds "signal", unit "unknown"
        "openvibe": Sender(
            "openvibeSignal",
            "signal",
            512,
            4,
            lambda t: wave(t, 4),
            ("C3", "Cz", "C4", "FCz"),
            "unknown",
            rows(("C3", "Cz", "C4", "FCz"), "unknown", "signal"),
            source_id="openvibeSignalId",
            beside=(("Markers", "Markers", 1, 0),),
        ),
        # A lab's amplifier that says all there is to say: each channel its own kind and unit
        "lab": Sender(
            "LabAmp",
            "EEG",
            500,
            7,
            lambda t: beside(
                wave(t, 2, offset=1e5), wave(t, 1, 1e6), wave(t, 1) * 10, 0.5 * np.sin(t), np.sin(t), 5.0
            ),
            ("Fz", "Cz", "Oz"),
            "uV",
            [
                *rows(("Fz", "Cz"), "uV"),
                *rows(("Oz",), "V"),
                *rows(("VEOG",), "uV", "EOG"),
                *rows(("ECG",), "mV", "ECG"),
                *rows(("Resp",), "V", "RESP"),
                *rows(("EDA",), "uS", "GSR"),
            ],
            "double64",
            "lab-1",
            {"reference": {"label": "M1"}, "filtering": {"highpass": "0.1"}},
        ),
    }


def outlet_of(sender: Sender, prefix: str) -> pylsl.StreamOutlet:
    """Open the outlet of a sender, described as it describes itself."""
    source = f"{sender.source_id}{prefix}" if sender.source_id else ""
    info = pylsl.StreamInfo(
        sender.name + prefix, sender.type, sender.n_channels, sender.rate, sender.format, source
    )
    if sender.rows:
        channels = info.desc().append_child("channels")
        for row in sender.rows:
            channel = channels.append_child("channel")
            for key, value in row.items():
                channel.append_child_value(key, value)
    for key, entry in sender.description.items():
        if isinstance(entry, str):
            info.desc().append_child_value(key, entry)
            continue
        child = info.desc().append_child(key)
        for inner, text in entry.items():
            child.append_child_value(inner, text)
    return pylsl.StreamOutlet(info, max_buffered=360)


def _streams_beside(sender: Sender, prefix: str) -> list[pylsl.StreamOutlet]:
    """Open the device's other streams, which say nothing."""
    found = []
    for suffix, type, n, rate in sender.beside:
        format = "string" if type == "Markers" else "float32"
        info = pylsl.StreamInfo(
            sender.name + suffix + prefix, type, n, rate, format, f"{sender.source_id}{prefix}"
        )
        found.append(pylsl.StreamOutlet(info))
    return found


def main(prefix: str, *names: str) -> None:
    """Send until standard input closes."""
    known = senders()
    chosen = [known[name] for name in names or known]
    outlets = [(sender, outlet_of(sender, prefix)) for sender in chosen]
    quiet = [stream for sender in chosen for stream in _streams_beside(sender, prefix)]
    closed = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
    print("ready", flush=True)
    begun, sent = pylsl.local_clock(), dict.fromkeys(range(len(outlets)), 0)
    while not closed.wait(0.03):
        for k, (sender, outlet) in enumerate(outlets):
            due = int((pylsl.local_clock() - begun) * sender.rate)
            t = begun + np.arange(sent[k], due) / sender.rate
            if len(t):
                values = sender.values(t)
                steps = np.round(values).astype(int) if sender.format.startswith("int") else values
                outlet.push_chunk(steps.tolist(), t[-1])
                sent[k] = due
    del quiet


if __name__ == "__main__":
    main(*sys.argv[1:])
