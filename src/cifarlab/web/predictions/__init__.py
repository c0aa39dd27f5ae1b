"""Predictions as a service: uploads in, models kept in memory, batches, answers."""
