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
    rows        single rows within a transaction
    transfer    everything kept as one JSON or CSV, and back
    free_response  boxes: hits, false boxes, FROC
    results     `Results` of a series: each reader's answers by round, and the model's
    change      what seeing the model's answer changed
    tables      results as pandas tables
    plots       Plotly figures of these
"""
