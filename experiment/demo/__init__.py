"""Sessions with virtual people, each in a process of its own: they need nothing real."""

from experiment.demo.attending import open_attend_demo as open_attend_demo
from experiment.demo.watching import FEEDBACK as FEEDBACK
from experiment.demo.watching import open_demo as open_demo
