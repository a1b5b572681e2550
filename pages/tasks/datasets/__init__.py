"""The Datasets page's parts."""
