"""What the program costs on this machine, beside what one would otherwise write; see `suite`."""
