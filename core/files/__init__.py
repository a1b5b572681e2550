"""Reading and writing files: radiographs, volumes, labels, archives; nothing in them is trusted."""
