"""The ladder: recipes one above the other, what was measured of each, and what each step gained."""
