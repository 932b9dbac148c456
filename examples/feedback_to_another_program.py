"""Send feedback to another program

Closes the loop on a live session and sends every decision as a line of JSON by UDP: to a game, a stimulus
program, a lamp. Programs that speak LSL need none of this: the streams "Phosphene feedback" and "Phosphene
feedback events" carry the same, and `phosphene live --feedback --osc HOST:PORT` sends it by OSC.

    python examples/feedback_to_another_program.py source_id=mine film 30 127.0.0.1:9000
"""

import json
import socket
import sys

import phosphene


def main(eeg: str = "type=EEG", video: str = "0", seconds: str = "60", to: str = "127.0.0.1:9000") -> int:
    host, _, port = to.rpartition(":")
    config = phosphene.FeedbackConfig(
        baseline_s=3.0, when="above"
    )  # reward: feedback while similarity is high
    loop = phosphene.FeedbackChoice(config)
    session = phosphene.open_live(phosphene.LiveChoice(eeg=eeg, video=video, feedback=loop))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sent = 0

    def send(feedback: phosphene.Feedback) -> None:
        """Called in the scoring thread, after the feedback has left by LSL; UDP does not block."""
        nonlocal sent
        words = {
            "end": feedback.end,
            "value": feedback.value,
            "on": feedback.level > 0,
            "events": feedback.events,
        }
        sender.sendto(json.dumps(words).encode(), (host, int(port)))
        sent += 1

    assert session.feedback is not None
    session.feedback.taps.attach(send)
    summary = phosphene.run(session, seconds=float(seconds))
    print(f"{sent} decisions sent to {to}; feedback began {summary['feedback']['began']} times")
    if summary["errors"]:
        raise SystemExit(summary["errors"][0])
    return sent


if __name__ == "__main__":
    main(*sys.argv[1:])
