"""Pictures from arrays and numbers: drawing, the viewer's figure, curves, slices, measuring."""
