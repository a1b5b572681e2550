"""Models: cards, verified weights and one package per task."""
