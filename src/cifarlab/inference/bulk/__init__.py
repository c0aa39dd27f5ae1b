"""Many pictures into a file: piece by piece, in order, and going on where it was stopped."""
