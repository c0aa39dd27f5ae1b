"""The command line. Hands out nothing: `cifarlab --help` loads one module and no more."""
