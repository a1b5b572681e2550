"""Practice: readers commit themselves to a case before they see the model's answer and the truth.

The rooms:
    series      what is read: `Series`, and as JSON
    sources     where a case comes from: phantom, sample or file of a folder
    link        a series of phantoms as a link
    phantoms    which phantoms a series has: drawn by seed with a stated prevalence
    folders     cases of a data set folder, and paths confined to it
    cases       opens a source as a `Case`: the image and its truth
    answers     what a reader or a model says of a case, one dataclass a task
    truths      what is true of a case, one dataclass a task
    head        two masks over one head, one of them wrong in a known place
    judging     an answer against the truth: right or wrong, and by how much
    readings    `Reading`: one answer as it is kept
    store       `Store`: keeps series, readers and readings
    database    one SQLite file: opened, checked, written in whole transactions
    schema      the tables and how an older file becomes a newer one
    transfer    everything kept as one JSON or CSV, and back
    statistics  proportions, ROC, calibration, agreement
    delong      areas under two curves of the same cases
    free_response  boxes: hits, false boxes, FROC
    results     tables per reader and series
    plots       Plotly figures of these tables
    pictures    a Plotly figure as PNG or SVG
"""
