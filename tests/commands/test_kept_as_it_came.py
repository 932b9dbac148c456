"""What ten senders of every format sent stands in the XDF to the byte and to the bit, and pyxdf reads it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import uuid
import warnings

import numpy as np
import pylsl
import pytest
import pyxdf

from recordings.xdf.reader import XdfReader
from tests.support.outlets.format_senders import FORMATS, RATE, values
from tests.support.small_session import write_small

pytestmark = pytest.mark.slow

PREFIX = f"kept-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A session of all ten, recorded by the command; what each sender says of itself; when it began."""
    folder = tmp_path_factory.mktemp("kept")
    film = write_small(folder / "small", seconds=8.0) / "stimulus.mkv"
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.outlets.format_senders", PREFIX],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    begun = float(child.stdout.readline())
    headers = {}
    for number in range(len(FORMATS)):
        (found,) = pylsl.resolve_byprop("name", f"{PREFIX}-{number}", timeout=20.0)
        inlet = pylsl.StreamInlet(found)
        headers[f"{PREFIX}-{number}"] = inlet.info(timeout=10.0).as_xml().encode()
        inlet.close_stream()
    record = [
        "record", folder / "out", "--eeg", f"name={PREFIX}-0", "--video", film, "--all-streams", "--headless",
        "--json", "--seconds", 3,
    ]  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-m", "phosphene", *map(str, record)], capture_output=True, text=True, check=False
    )
    child.kill()
    child.wait()
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["errors"] == []
    (xdf,) = folder.glob("out/*/session.xdf")
    return xdf, headers, begun


def test_each_description_is_its_senders_to_the_byte(recorded):
    xdf, headers, _ = recorded
    raw = xdf.read_bytes()
    for name, header in headers.items():
        assert raw.count(header) == 1, name


@pytest.mark.parametrize("number", range(len(FORMATS)))
def test_each_sample_is_bit_equal_in_its_own_format(recorded, number):
    xdf, _, begun = recorded
    format = FORMATS[number]
    with XdfReader(xdf) as reader:
        (stream,) = (s for s in reader.streams.values() if s.info.name == f"{PREFIX}-{number}")
        assert stream.info.format == format
        stamps, found = reader.read(stream.info.stream_id)
    numbers = np.round((stamps - begun) * RATE).astype(int)
    assert len(numbers) > 200
    np.testing.assert_array_equal(np.diff(numbers), 1)
    np.testing.assert_array_equal(stamps, begun + numbers / RATE)
    expected = values(format, numbers)
    if format == "string":
        assert [list(row) for row in found] == expected
    else:
        assert found.dtype == expected.dtype
        assert found.tobytes() == expected.tobytes()


def test_pyxdf_reads_it_without_a_word(recorded, caplog):
    xdf, _, _ = recorded
    with warnings.catch_warnings(), caplog.at_level(logging.INFO):
        warnings.simplefilter("error")
        streams, _ = pyxdf.load_xdf(str(xdf))
    said = [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]
    assert said == []
    by_name = {stream["info"]["name"][0]: stream for stream in streams}
    for number, format in enumerate(FORMATS):
        stream = by_name[f"{PREFIX}-{number}"]
        assert stream["info"]["channel_format"] == [format]
        assert len(stream["time_stamps"]) > 200
