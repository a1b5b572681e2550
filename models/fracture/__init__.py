"""Fracture detection: boxes on limb radiographs, and a classifier beside them."""
