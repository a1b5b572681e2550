"""The fracture page's parts."""
