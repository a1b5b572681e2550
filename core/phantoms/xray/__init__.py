"""What all simulated radiographs share: bones, thickness maps, and the film."""
