"""Augmentation taken apart: what can be done to an image, what was drawn, and what it did.

`pipeline` draws parameters and nothing else; `films` and `heads` are the catalogues of transforms;
`apply` carries a draw out on pixels and labels; `checks` and `safety` say what became false.
"""
