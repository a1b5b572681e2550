"""A simulated child's hand whose age is known."""
