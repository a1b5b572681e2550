"""The bone-age page's parts."""
