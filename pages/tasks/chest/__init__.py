"""The chest page's parts."""
