"""A simulated T1 head whose brain is known."""
