"""The augmentation lab's parts."""
