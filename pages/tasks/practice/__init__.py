"""Practice: read first, then see what the model and the truth say."""
