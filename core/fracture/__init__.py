"""What detector, classifier and truth say about a limb film, without a network."""
