"""The skull-stripping page's parts."""
