"""Synthetic images whose truth is known by construction."""
