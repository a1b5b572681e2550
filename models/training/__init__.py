"""How every network is trained: one loop for PyTorch, and recipes that can be repeated."""
