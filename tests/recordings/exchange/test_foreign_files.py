"""Files of other programs, read as they are: each channel's kind, unit and rate, each pause, each event."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recordings.exchange.foreign.edf import EdfFile
from recordings.session.info import describe
from recordings.session.session import Session
from recordings.video.files import VideoWriter
from recordings.xdf.format import Tag
from recordings.xdf.samples import Layout, pack
from recordings.xdf.writer import StreamHeader, pack_chunk
from tests.support.files import edf_bytes
from tests.support.files.edf_bytes import Signal, eeg, wave, write_edf
from tests.support.files.xdf_bytes import eeg_file, eeg_header, footer_chunk, header_chunk, sample_chunks
from tests.support.files.xdf_bytes import wave as xdf_wave

LABELS = ["Fz", "Cz", "Pz", "Oz"]
FOUR = [eeg(f"EEG {label}") for label in LABELS]


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    with VideoWriter(path, (64, 64)) as writer:
        for n in range(60):
            writer.write(np.full((64, 64, 3), n, np.uint8), n / 30)
    return path


@pytest.fixture
def imported(tmp_path, film, command):
    """Imports a file by the command, with a film that begins with it; returns session and messages."""

    def run(path: Path, *more: object) -> tuple[Session, str]:
        code, _, err = command("import", path, film, tmp_path / "new", "--offset-s", "0", *more)
        assert code == 0, err
        return Session(tmp_path / "new"), err

    return run


def _streams(session: Session) -> dict[str, tuple[float, list[str], list[str]]]:
    """Rate, labels and units of each stream that holds numbers of its own, by type and rate."""
    found = {}
    for stream in session.reader.streams.values():
        if stream.info.type in ("EEG", "AUX"):
            rows = stream.info.root.findall("desc/channels/channel")
            texts = [[row.findtext(key) or "" for row in rows] for key in ("label", "unit")]
            found[f"{stream.info.type} {stream.info.rate_nominal:g}"] = (stream.n_samples, *texts)
    return found


def test_a_sleep_recording_keeps_kinds_units_and_rates(tmp_path, imported):
    slow = [
        Signal("Resp oro-nasal", "", (-2048, 2047), (-2048, 2047), 1, lambda r: 200),
        Signal("EMG submental", "uV", (-5, 5), (-2500, 2500), 1, lambda r: 800 + r),
        Signal("Temp rectal", "DegC", (34, 40), (-2849, 2731), 1, lambda r: 500),
        Signal("Event marker", "", (-2047, 2048), (-2047, 2048), 1, lambda r: r % 2),
    ]
    signals = [eeg("EEG Fpz-Cz", 100), eeg("EEG Pz-Oz", 100), eeg("EOG horizontal", 100), *slow]
    session, _ = imported(write_edf(tmp_path / "psg.edf", signals))
    assert _streams(session) == {
        "EEG 100": (1000, ["EEG Fpz-Cz", "EEG Pz-Oz"], ["uV", "uV"]),
        "AUX 100": (1000, ["EOG horizontal"], ["uV"]),
        "AUX 1": (10, [s.label for s in slow], ["", "uV", "DegC", ""]),
    }
    assert [m.text for m in session.markers()] == ["1"] * 5
    temperature = session.reader.read(session.stream("id=3", "").stream_id)[1][0, 2]
    assert temperature == pytest.approx(34 + 6 * (500 + 2849) / 5580, abs=1e-5)


def test_channels_of_another_rate_are_a_stream_of_their_own_and_keep_their_samples(tmp_path, imported):
    path = write_edf(
        tmp_path / "r.edf", [*(eeg(f"EEG {x}", 100) for x in LABELS), eeg("ECG", 512, "mV", 1.2)]
    )
    session, _ = imported(path)
    assert _streams(session)["EEG 100"][0] == 1000
    assert _streams(session)["AUX 512"] == (5120, ["ECG"], ["mV"])
    expected = np.concatenate([wave(100)(record) for record in range(10)]) * 0.1
    np.testing.assert_allclose(session.eeg().read()[1], np.tile(expected[:, None], 4), atol=1e-4)
    stream = next(s for s in session.reader.streams.values() if s.info.type == "AUX")
    heart = np.concatenate([wave(512, 1.2)(record) for record in range(10)]) * 0.1
    np.testing.assert_allclose(session.reader.read(stream.info.stream_id)[1][:, 0], heart, atol=1e-4)


def test_an_edf_of_mixed_rates_reads_as_edfio_reads_it(tmp_path):
    edfio = pytest.importorskip("edfio")
    path = write_edf(tmp_path / "r.edf", [eeg("EEG Fz", 100), eeg("ECG", 512, "mV"), eeg("EEG Cz", 250)])
    mine = EdfFile(path)
    theirs = {s.label: s for s in edfio.read_edf(path).signals}
    for group in mine.groups:
        values = np.concatenate([block.samples for block in mine.blocks(group)])
        for k, channel in enumerate(group.channels):
            assert group.rate == theirs[channel.label].sampling_frequency
            np.testing.assert_allclose(values[:, k], theirs[channel.label].data, atol=1e-3)


def test_a_discontinuous_edf_keeps_its_gaps_and_the_times_of_its_events(tmp_path, imported):
    begins = [0.5, 1.5, 2.5, 62.5, 63.5, 3664.25]

    def notes(record: int) -> bytes:
        text = b"+%g\x14\x14\0" % begins[record]
        return text + (b"+62.75\x15" + b"0.5\x14flash\x14\0" if record == 3 else b"")

    session, _ = imported(write_edf(tmp_path / "d.edf", FOUR, 6, "EDF+D", notes))
    times = session.eeg().read()[0] - session.eeg().span[0]
    expected = np.concatenate([begin - 0.5 + np.arange(256) / 256 for begin in begins])
    np.testing.assert_allclose(times, expected, atol=1e-6)
    assert [(round(m.stamp - session.start, 6), m.text) for m in session.markers()] == [(62.25, "flash")]
    eeg_audit = describe(session)["eeg"][0]
    assert (eeg_audit["gaps"], eeg_audit["lost_samples"]) == (2, round((59 + 3599.75) * 256))


@pytest.mark.parametrize("bits", [(), ("--trigger-bits", 16)])
def test_trigger_codes_come_without_what_the_amplifier_adds(tmp_path, imported, bits):
    def status(record: int) -> np.ndarray:
        values = np.full(512, 0x10FF00)
        values[100:140] |= record % 5 + 1
        values[0] |= 0x10000
        return values

    signals = [
        Signal(x, "uV", (-262144, 262143), (-8388608, 8388607), 512, wave(512, step=1 / 32)) for x in LABELS
    ]
    signals.append(Signal("Status", "Boolean", (-8388608, 8388607), (-8388608, 8388607), 512, status))
    session, _ = imported(write_edf(tmp_path / "s.bdf", signals), *bits)
    codes = [int(m.text) for m in session.markers()]
    sent = [record % 5 + 1 for record in range(10)]
    if bits:
        assert [code for code in codes if code != 0xFF00] == [0xFF00 | code for code in sent]
    else:
        assert codes == sent
    first = session.markers()[0].stamp - session.start
    assert first * 512 == pytest.approx(100, abs=1e-3)


def test_units_that_are_missing_or_lost_their_micro_sign_are_microvolts_and_it_is_said(tmp_path, imported):
    session, said = imported(write_edf(tmp_path / "blank.edf", [eeg(x, unit="") for x in LABELS]))
    assert "taken to be in microvolts" in said
    assert session.eeg().info.unit == "uV"


@pytest.mark.parametrize("unit", [".V", "\xb5V", "?V", "uV"])
def test_a_lost_micro_sign_is_found_again(tmp_path, imported, unit):
    session, _ = imported(write_edf(tmp_path / "dots.edf", [eeg(x, unit=unit) for x in LABELS]))
    amplitudes = [c["amplitude_uv"] for c in describe(session)["eeg"][0]["channels"]]
    np.testing.assert_allclose(amplitudes, 13.3, atol=0.7)


def test_a_range_that_could_be_volts_asks_for_the_unit_and_takes_it(tmp_path, film, command, imported):
    signals = [s._replace(unit="", physical=(-0.3, 0.3)) for s in FOUR]
    path = write_edf(tmp_path / "v.edf", signals)
    code, _, err = command("import", path, film, tmp_path / "new", "--offset-s", "0")
    assert code == 2
    assert "give --unit" in err
    session, _ = imported(path, "--unit", "V")
    assert session.eeg().info.unit == "V"


def test_a_montage_names_the_electrodes(tmp_path, imported, film, command):
    path = write_edf(tmp_path / "m.edf", [eeg(f"EEG {n}") for n in range(4)])
    session, _ = imported(path, "--montage", "Fp1, Fp2,C3,C4")
    assert session.eeg().info.labels == ("Fp1", "Fp2", "C3", "C4")
    code, _, err = command("import", path, film, tmp_path / "b", "--offset-s", "0", "--montage", "Fz")
    assert code == 2
    assert "names 1 electrodes" in err


REFUSED = {
    "annotations only": (
        lambda p: write_edf(p, [], 1, "EDF+C", lambda r: b"+0\x14\x14\0"),
        "holds no signal",
    ),
    "no EEG": (lambda p: write_edf(p, [eeg("ECG")]), "holds no EEG channel, only ECG"),
    "no records": (lambda p: write_edf(p, FOUR, 0), "holds no signal"),
    "text": (lambda p: p.write_text("hello " * 100, "utf-8"), "is no whole EDF"),
    "nothing": (lambda p: p.write_bytes(b""), "is no whole EDF"),
    "a cut header": (lambda p: p.write_bytes(write_edf(p, FOUR).read_bytes()[:700]), "is no whole EDF"),
    "no voltage": (lambda p: write_edf(p, [eeg("EEG Fz", unit="foo")]), "which is no voltage"),
}


@pytest.mark.parametrize("odd", REFUSED)
def test_an_edf_that_cannot_be_imported_is_refused_in_one_line(tmp_path, film, command, odd):
    make, words = REFUSED[odd]
    make(tmp_path / "odd.edf")
    code, _, err = command("import", tmp_path / "odd.edf", film, tmp_path / "new", "--offset-s", "0")
    assert code == 2
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_a_file_that_is_cut_off_gives_its_whole_records_and_says_so(tmp_path, imported):
    path = write_edf(tmp_path / "cut.edf", FOUR, 5, claimed=8)
    path.write_bytes(path.read_bytes()[:-100])
    session, said = imported(path)
    assert session.eeg().n_samples == 4 * 256
    assert "4 of 8 records are there" in said


# --- pauses of other formats --------------------------------------------------------------------------------


def test_a_brainvision_file_that_was_paused_for_an_hour_has_a_gap_of_an_hour(tmp_path, imported):
    pytest.importorskip("mne")
    n = 500 * 8
    values = edf_bytes.wave(n)(0)
    np.tile(values[:, None], 4).astype("<i2").tofile(tmp_path / "pause.eeg")
    common = "[Common Infos]\nCodepage=UTF-8\nDataFile=pause.eeg\n"
    (tmp_path / "pause.vhdr").write_text(
        f"Brain Vision Data Exchange Header File Version 1.0\n\n{common}MarkerFile=pause.vmrk\n"
        "DataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=4\nSamplingInterval=2000\n\n"
        "[Binary Infos]\nBinaryFormat=INT_16\n\n[Channel Infos]\n"
        + "".join(f"Ch{i + 1}={label},,0.1,µV\n" for i, label in enumerate(LABELS)),
        "utf-8",
    )
    (tmp_path / "pause.vmrk").write_text(
        f"Brain Vision Data Exchange Marker File, Version 1.0\n\n{common}\n[Marker Infos]\n"
        "Mk1=New Segment,,1,1,0,20240101120000000000\n"
        f"Mk2=New Segment,,{n // 2 + 1},1,0,20240101130000250000\nMk3=Stimulus,S  1,{n // 2 + 501},1,0\n",
        "utf-8",
    )
    session, _ = imported(tmp_path / "pause.vhdr")
    audit = describe(session)["eeg"][0]
    assert (audit["samples"], audit["gaps"]) == (n, 1)
    assert audit["lost_samples"] / 500 == pytest.approx(3600.25 - 4, abs=0.01)
    (marker,) = [m for m in session.markers() if "S  1" in m.text]
    assert marker.stamp - session.start == pytest.approx(3600.25 + 1, abs=1e-6)


def test_what_was_cut_out_in_eeglab_is_a_gap_of_its_length(tmp_path, imported):
    pytest.importorskip("mne")
    from scipy.io import savemat

    n = 250 * 8
    events = np.array(
        [("boundary", 1000.5, 25000.0), ("film", 2001.0 - 500, 1.0), ("boundary", 1800.5, np.nan)],
        dtype=[("type", "O"), ("latency", "O"), ("duration", "O")],
    )
    places = np.array([(label,) for label in LABELS], dtype=[("labels", "O")])
    empty = {k: [] for k in ("icawinv", "icasphere", "icaweights", "icaact", "epoch", "urevent", "etc")}
    data = np.tile(edf_bytes.wave(n)(0) * 0.1, (4, 1)).astype(np.float32)
    content = dict(
        setname="x", nbchan=4, trials=1, pnts=n, srate=250.0, xmin=0.0, xmax=(n - 1) / 250, data=data,
        times=np.arange(n) * 4.0, chanlocs=places, event=events, ref="common", comments="", history="",
        **empty,
    )  # fmt: skip
    savemat(tmp_path / "cut.set", {"EEG": content}, appendmat=False)
    session, _ = imported(tmp_path / "cut.set")
    audit = describe(session)["eeg"][0]
    assert (audit["samples"], audit["gaps"], audit["lost_samples"]) == (n, 1, 25000)
    (marker,) = [m for m in session.markers() if m.text == "film"]
    assert marker.stamp - session.start == pytest.approx(1500 / 250 + 100, abs=1e-6)


def test_a_fif_in_several_files_is_read_whole(tmp_path, imported):
    mne = pytest.importorskip("mne")
    info = mne.create_info(LABELS, 250.0, "eeg", verbose="ERROR")
    data = np.random.default_rng(0).normal(0, 20e-6, (4, 250 * 700))
    mne.io.RawArray(data, info, verbose="ERROR").save(
        tmp_path / "a_raw.fif", split_size="2MB", buffer_size_sec=1.0, verbose="ERROR"
    )
    assert len(list(tmp_path.glob("a_raw*.fif"))) > 1
    session, _ = imported(tmp_path / "a_raw.fif")
    np.testing.assert_allclose(session.eeg().read()[1], data.T * 1e6, atol=1e-3)
    assert describe(session)["eeg"][0]["gaps"] == 0


# --- frames that a stream numbers ---------------------------------------------------------------------------


def test_frames_that_a_stream_numbers_lie_at_the_streams_times(tmp_path, film, command):
    at = 5001 + np.arange(60) / 30 + np.where(np.arange(60) > 30, 1.5, 0)
    header = StreamHeader("webcam", "VideoFrames", 1, 30.0, "int32")
    content = pack(Layout(1, "int32", 0.0), at, np.arange(60, dtype=np.int32)[:, None])
    extra = [header_chunk(header, 2), pack_chunk(Tag.SAMPLES, content, 2), footer_chunk(60, 2)]
    path = eeg_file(tmp_path / "a.xdf", 5000 + np.arange(2500) / 250, extra=extra)
    code, _, err = command("import", path, film, tmp_path / "by-offset", "--offset-s", "1")
    assert code == 0
    assert "numbers frames in id=2 (webcam, VideoFrames)" in err
    assert command("import", path, film, tmp_path / "by-stream", "--frames", "webcam")[0] == 0
    with Session(tmp_path / "by-stream") as session:
        np.testing.assert_allclose(session.video("name=video").times, at, atol=1e-9)
    code, _, err = command("import", path, film, tmp_path / "none", "--frames", "name=other")
    assert code == 2
    assert "id=2 webcam" in err


def test_an_xdf_takes_a_unit_and_names_too(tmp_path, film, command):
    path = eeg_file(tmp_path / "a.xdf", 5000 + np.arange(2500) / 250, eeg_header(units=""))
    more = ("--offset-s", "1", "--unit", "mV", "--montage", "A1,A2,B1,B2")
    assert command("import", path, film, tmp_path / "new", *more)[0] == 0
    with Session(tmp_path / "new") as session:
        assert session.eeg().info.unit == "mV"
        assert session.eeg().info.labels == ("A1", "A2", "B1", "B2")


def test_verbs_that_learn_take_one_of_two_headsets(tmp_path, film, command):
    t = 5000 + np.arange(2500) / 250
    second = [
        header_chunk(eeg_header("Cap B"), 2),
        *sample_chunks(t, xdf_wave(2500), 2),
        footer_chunk(2500, 2),
    ]
    path = eeg_file(tmp_path / "two.xdf", t, eeg_header("Cap A"), second)
    assert command("import", path, film, tmp_path / "new", "--offset-s", "0")[0] == 0
    for verb in (("baseline",), ("train", "--out", tmp_path / "model")):
        code, _, err = command(verb[0], tmp_path / "new", *verb[1:])
        assert code == 2
        assert "choose one with --eeg" in err
        _, _, err = command(verb[0], tmp_path / "new", *verb[1:], "--eeg", "name=Cap B")
        assert "--eeg" not in err  # what is wrong now is only that there is so little of it


def with_header(path: Path, content: bytes) -> Path:
    """A file of 1000 samples whose stream header is these bytes."""
    eeg_file(path, 5000 + np.arange(1000) / 250)
    whole, was = path.read_bytes(), pack_chunk(Tag.STREAM_HEADER, eeg_header().xml().encode(), 1)
    assert was in whole
    path.write_bytes(whole.replace(was, pack_chunk(Tag.STREAM_HEADER, content, 1)))
    return path


@pytest.mark.parametrize("type", ["signal", "Data", ""])
def test_a_stream_of_another_type_is_the_eeg_where_the_user_says_so(tmp_path, film, command, type):
    """As g.tec, OpenViBE and hand-written senders name it; from then on it is the session's EEG."""
    path = with_header(
        tmp_path / "a.xdf", eeg_header().xml().replace("<type>EEG<", f"<type>{type}<", 1).encode()
    )
    code, _, err = command("import", path, film, tmp_path / "no", "--offset-s", "0")
    assert code == 2
    assert "has no EEG stream: it holds id=1" in err.replace("\n", " ")
    code, _, err = command("import", path, film, tmp_path / "new", "--offset-s", "0", "--eeg", "id=1")
    assert code == 0, err
    with Session(tmp_path / "new") as session:
        assert session.eeg().n_samples == 1000
        np.testing.assert_array_equal(session.eeg().read()[1], xdf_wave(1000))
    edf = write_edf(tmp_path / "a.edf", FOUR)
    assert command("import", edf, film, tmp_path / "e", "--offset-s", "0", "--eeg", "id=1")[0] == 2


HEADERS = {
    "UTF-16": lambda text: text.split("?>", 1)[1].encode("utf-16"),
    "Latin-1, declared": lambda text: text.replace('"1.0"', '"1.0" encoding="ISO-8859-1"').encode("latin-1"),
    "Latin-1, undeclared": lambda text: text.encode("latin-1"),
    "a namespace": lambda text: text.replace("<info>", '<info xmlns="urn:x">').encode(),
    "a count with a decimal": lambda text: text.replace(">4</channel_count", ">4.0</channel_count").encode(),
    "a rate with a unit": lambda text: text.replace(">250.0<", ">250.0 Hz<").encode(),
}


@pytest.mark.parametrize("odd", HEADERS)
def test_a_header_in_another_coding_is_read_and_copied_so_that_pyxdf_reads_it(tmp_path, film, command, odd):
    pyxdf = pytest.importorskip("pyxdf")
    path = with_header(tmp_path / "a.xdf", HEADERS[odd](eeg_header(name="Größe").xml()))
    code, _, err = command("import", path, film, tmp_path / "new", "--offset-s", "0")
    assert code == 0, err
    theirs = pyxdf.load_xdf(str(tmp_path / "new" / "session.xdf"), dejitter_timestamps=False)[0][0]
    assert len(theirs["time_stamps"]) == 1000
    assert theirs["info"]["name"] == ["Größe"]
    with Session(tmp_path / "new") as session:
        track = session.eeg()
        assert (track.info.name, track.info.rate_nominal, track.n_samples) == ("Größe", 250.0, 1000)


@pytest.mark.parametrize("rate", ["1e300", "1e-9", "-250", "fast", "nan"])
def test_a_rate_that_nothing_has_makes_no_table_and_no_error(tmp_path, command, rate):
    path = with_header(tmp_path / "a.xdf", eeg_header().xml().replace(">250.0<", f">{rate}<").encode())
    code, out, _ = command("info", path, "--json")
    assert code == 0
    assert "nominal rate is 0" in out


def test_codes_that_are_held_and_share_a_bit_stay_what_they_are(tmp_path, imported):
    limits = (-(1 << 23), (1 << 23) - 1)

    def held(record: int) -> np.ndarray:
        return np.full(256, 0xFF00 | (1, 3, 5, 1)[record])

    status = Signal("Status", "Boolean", limits, limits, 256, held)
    session, _ = imported(write_edf(tmp_path / "a.bdf", [eeg("Fz"), status], 4))
    with session:
        assert [marker.text for marker in session.markers()] == ["3", "5", "1"]


ONSETS = (0, 1, 2.5, 3.5, 10.25, 11.25, 100, 101, 102.125, 103.125)


def test_every_gap_of_a_discontinuous_edf_is_kept_in_each_of_its_rates(tmp_path, imported):
    def notes(record: int) -> bytes:
        return f"+{ONSETS[record]}\x14\x14\0+{ONSETS[record] + 0.5}\x14e{record}\x14\0".encode()

    heart = Signal("ECG", "mV", (-5, 5), (-32768, 32767), 500, wave(500, 1.0))
    session, _ = imported(write_edf(tmp_path / "d.edf", [eeg("EEG Fz", 200), heart], 10, "EDF+D", notes))
    with session:
        begin = session.eeg().span[0]
        for stream in session.reader.streams.values():
            if stream.info.type in ("EEG", "AUX"):
                rate = stream.info.rate_nominal
                stamps = session.reader.read(stream.info.stream_id)[0] - begin
                within = np.arange(round(rate)) / rate
                np.testing.assert_allclose(stamps, np.add.outer(ONSETS, within).ravel(), atol=1e-9)
        events = [marker.stamp - begin for marker in session.markers()]
        np.testing.assert_allclose(events, np.add(ONSETS, 0.5), atol=1e-9)


def test_a_header_that_is_filled_up_with_zeros_is_read_as_one_with_spaces(tmp_path):
    signals = [eeg(label) for label in LABELS]
    whole = write_edf(tmp_path / "a.edf", signals, 3)
    n_head = 256 * (len(signals) + 1)
    data = whole.read_bytes()
    (tmp_path / "z.edf").write_bytes(data[:n_head].replace(b" ", b"\0") + data[n_head:])
    ours, theirs = EdfFile(tmp_path / "z.edf"), EdfFile(whole)
    assert [c.label for c in ours.groups[0].channels] == [c.label for c in theirs.groups[0].channels]
    for mine, given in zip(ours.blocks(ours.groups[0]), theirs.blocks(theirs.groups[0]), strict=True):
        np.testing.assert_array_equal(mine.samples, given.samples)


def test_boundaries_between_samples_at_the_beginning_and_without_a_length(tmp_path, imported):
    """A boundary lies between two samples; before the first it is no pause, and NaN says nothing of time."""
    pytest.importorskip("mne")
    from scipy.io import savemat

    rate, n = 250.0, 2000
    events = [("boundary", 0.5, 2500.0), ("boundary", 500.5, 250.0), ("x", 600.0, 0.0)]
    events += [("boundary", 1000.5, np.nan), ("boundary", 1200.5, 1000.0), ("y", 1201.0, 0.0)]
    kinds = np.array(events, [("type", "O"), ("latency", "O"), ("duration", "O")])
    places = np.array([("Fz",), ("Cz",)], [("labels", "O")])
    whole = {
        "setname": "a", "nbchan": 2.0, "pnts": float(n), "trials": 1.0, "srate": rate, "xmin": 0.0,
        "xmax": 8.0,
        "data": np.random.default_rng(0).standard_normal((2, n)), "chanlocs": places, "event": kinds,
        **{name: [] for name in ("icaact", "icawinv", "icasphere", "icaweights", "epoch", "times")},
    }  # fmt: skip
    savemat(tmp_path / "a.set", {"EEG": whole})
    session, _ = imported(tmp_path / "a.set")
    with session:
        times = session.eeg().read()[0]
        at = {marker.text: marker.stamp - times[0] for marker in session.markers()}
    taken = np.arange(n) / rate + 1.0 * (np.arange(n) >= 500) + 4.0 * (np.arange(n) >= 1200)
    np.testing.assert_allclose(times - times[0], taken, atol=1e-6)
    assert at["x"] == pytest.approx(599 / rate + 1.0)
    assert at["y"] == pytest.approx(1200 / rate + 5.0)
