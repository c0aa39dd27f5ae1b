"""The ground that every room stands on. Hands out nothing: `cifarlab --help` must load neither NumPy nor Pillow."""
