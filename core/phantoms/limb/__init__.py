"""Simulated radiographs of arms, hands and legs with fractures of known place."""
