"""The bench: figures measured in one run on this machine, beside what people use today. `make bench [ONLY=name]`."""
