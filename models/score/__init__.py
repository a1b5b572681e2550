"""Score folders of any size, on one computer or on a cluster: `python -m models.score --help`.

Dask distributed hands out images to workers; each loads the model once. What comes out is a
folder (`models.score.parts`):

    run.json           task, cards with SHA-256, input and choices: what --resume compares
    list.parquet       what is scored, in its order, as it was found when the run began
    images/part-*.parquet   one row an image
    boxes/part-*.parquet    one row a box (fracture)
    masks/             one file an image (with --masks; chest PNG, skull_strip NIfTI)
    coco.json          boxes (with --masks; fracture)
    summary.json       counts and the commonest refusals; written last

`pandas.read_parquet(OUT / "images")` reads all parts in order. A part is complete once its
file in images/ is in place. Columns of images/, for every task:

    number        int64    place in the list, from 0
    path          string   as given, with what lies below: folder/file, zip/entry, folder#series
    digest        string   SHA-256 (hex) of the file, equal to `Radiograph.digest` or
                           `Volume.digest` of what was read; null where no byte could be read
    refused       bool     whether there is no answer
    why           string   the sentence that says why; null where there is an answer
    card          string   name of the main model's card
    card_sha256   string   SHA-256 of its weights
    seconds       float64  decoding and answering, in the worker; 0 where the worker ended

and by task (null where refused):

    fracture      width, height (px); boxes: number whose score, rounded to two decimals as on
                  the page, is at least the card's operating point; highest_score;
                  classifier_probability; fracture_probability (both fused,
                  calibrated); classifier_card, classifier_sha256
    bone_age      width, height; sex ("F", "M" or null, from the list); months, low_months,
                  high_months (90 % interval)
    chest         width, height; above: findings above their operating points, by ", ";
                  p_<finding>: probability of each; p_<card>: cardiomegaly by each network for
                  it alone; ctr, heart (enlarged, not enlarged, not judged), no_ctr (why
                  there is none), notes (what limits the answer); came: how the film lay where
                  it was turned or inverted first, so that the mask lies on the turned film;
                  mask: file in masks/ or null
    skull_strip   volume_ml, threshold, doubt (why the head may be none that the model knows,
                  or null), mask

boxes/ has number, path and digest of the image, box (from 1, best first), score, and xmin, ymin,
xmax, ymax in pixels of the original film: all that are left after suppression with a score of at
least `models.score.fracture.LEAST_SCORE`, so that a threshold can be chosen afterwards.
"""
