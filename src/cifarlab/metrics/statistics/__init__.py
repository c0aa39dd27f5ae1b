"""Statistics: intervals around a number, and tests of the difference between two."""
