"""The film of the demo: shots and events by the clock, drawn as numbered frames."""
