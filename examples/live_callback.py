"""Call a function at every live reading

Connects to an LSL headset and a camera, and prints each reading as it comes. Without a headset, start a
virtual one in another terminal first: `phosphene headset --source-id mine`.

    python examples/live_callback.py source_id=mine film 10
"""

import sys

import phosphene


def main(eeg: str = "type=EEG", video: str = "0", seconds: str = "10") -> dict[str, object]:
    choice = phosphene.LiveChoice(eeg=eeg, video=video)  # an untrained network takes any set of electrodes
    session = phosphene.open_live(choice)

    def show(reading: phosphene.Reading) -> None:
        """Called in the scoring thread, so it must be quick."""
        chance = reading.chance.band
        band = f"chance {chance[0]:+.2f} to {chance[1]:+.2f}" if chance else "chance not known yet"
        print(f"{reading.end:.2f} s: {reading.similarity:+.3f} ({band}), {reading.latency_ms:.0f} ms old")

    session.pipeline.taps.attach(show)
    summary = phosphene.run(session, seconds=float(seconds))
    print(f"{summary['readings']} readings of {summary['eeg']['name']}, weights: {summary['weights']}")
    if summary["errors"]:
        raise SystemExit(summary["errors"][0])
    return summary


if __name__ == "__main__":
    main(*sys.argv[1:])
