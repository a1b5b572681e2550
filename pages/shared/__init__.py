"""Parts that the pages share: inputs, views and cached loaders."""
