"""A long session: memory, handles, threads and times stay flat (`python -m tests.soak`)."""
