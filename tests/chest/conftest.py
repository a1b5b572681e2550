"""Fixtures of the chest page's tests."""

from tests.chest.stand_in import calls as calls
