"""Measuring: protocols, baselines, metrics."""
