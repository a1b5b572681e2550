"""A person's folder of images with labels: which data set it is, what is in it, what is wrong.

    listing    the files of a folder, never outside it
    dataset    what a read folder is: rows, labels, complaints of its tables
    fracture, bone_age, chest, brain   the layouts of each task, one reader a layout
    layouts    which of them a folder has
    scan       sizes, brightness and hashes of every file, in threads, remembered
    problems   what is missing, contradictory or there twice

Nothing on disk is changed, and nothing outside the folder is read.
"""
