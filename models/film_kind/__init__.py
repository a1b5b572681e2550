"""What a film is, so that a page can refuse what it cannot answer."""
