"""Runs held against each other on the same images, and recipes over several seeds."""
