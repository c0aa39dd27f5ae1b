"""The model that comes with the package, with its weights and their card."""
