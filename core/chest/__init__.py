"""Chest films: heart size from masks, findings as a result, and how heat maps are scored."""
