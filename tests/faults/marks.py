"""A program that sends events, as it is told: `python -m tests.faults.marks NAME COLUMNS [TYPE]`.

Each line of JSON is what it does: {"do": "send", "text": "go"}, {"do": "bytes", "hex": "636166e9"},
{"do": "nan", "text": "when?"}; a stream of numbers (TYPE given) sends them from the start.
"""

from __future__ import annotations

import ctypes
import json
import sys
import threading

import pylsl
from pylsl.lib import lib


def main(name: str, columns: str, type: str = "Markers") -> None:
    n, numbers = int(columns), type != "Markers"
    format, rate = ("float32", 50.0) if numbers else ("string", 0.0)
    out = pylsl.StreamOutlet(pylsl.StreamInfo(name, type, n, rate, format, name))
    closed = threading.Event()
    if numbers:
        threading.Thread(target=_count, args=(out, n, closed), daemon=True).start()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        match order["do"]:
            case "send":
                out.push_sample([order["text"], *[""] * (n - 1)])
            case "bytes":
                raw = bytes.fromhex(order["hex"])
                text, size = (ctypes.c_char_p * 1)(raw), (ctypes.c_uint32 * 1)(len(raw))
                lib.lsl_push_sample_buftp(out.obj, text, size, ctypes.c_double(0.0), ctypes.c_int(1))
            case "nan":
                out.push_sample([order["text"], *[""] * (n - 1)], float("nan"))
    closed.set()


def _count(out: pylsl.StreamOutlet, n: int, closed: threading.Event) -> None:
    k = 0
    while not closed.wait(0.02):
        out.push_sample([float(k)] * n)
        k += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
