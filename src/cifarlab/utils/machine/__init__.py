"""The machine: its processor, what is chosen by it, and what the bits of a training depend on."""
