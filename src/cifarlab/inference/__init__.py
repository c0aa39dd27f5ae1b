"""Inference: a trained model and pictures in, logits, predictions and gradients out."""
