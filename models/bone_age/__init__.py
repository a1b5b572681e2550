"""Bone age: hand radiograph and sex to months."""
