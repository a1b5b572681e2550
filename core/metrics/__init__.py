"""Numbers that say how good an answer is: statistics, boxes, masks, heat maps."""
