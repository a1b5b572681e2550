"""Fixtures of the fracture page's tests."""

from tests.fracture.stand_in import calls as calls
