"""Images, stages and measurements: everything that needs neither a model nor a screen."""
