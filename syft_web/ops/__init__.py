"""Tensor operations on numpy arrays, with torch's names and torch's rules."""
