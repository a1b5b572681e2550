"""From a film of a hand to what a network receives: pipelines of stages.

- `landmark.stages`: outline, upright hand, regions by the gaps between the fingers.
- `segmentation.stages`: hand mask, hand on black, equal grey.
- `whole_hand.stages`: ours.

Marks that the stages leave on a step, all in pixels of the step's own image:

- `contour`, `hull`: (N, 2) closed lines, x and y.
- `points`: name → (x, y); the landmarks ("middle fingertip", "centre", "thumb tip").
- `defects`: (K, 2) deepest points of the hull's defects; `gaps`: (4, 2) the chosen ones, from
  the little finger to the thumb.
- `line`: (2, 2) the axis that a stage turns upright.
- `boxes`: name → (x0, y0, x1, y1); the regions ("middle_finger", "thumb", "mcp", "wrist").
- `mask`: bool (H, W).
- `matrix`: float (3, 3), from pixels of the stage's input to pixels of its output; not drawn.
  `geometry.film_matrix` multiplies them.
- `matrix_of`: the same by region, where a stage puts several regions on one sheet; `boxes` then
  says where on the sheet. `geometry.views_of` makes views of both.
- `angle_degrees`: how far a stage turned the hand, counter-clockwise; not drawn.
"""
