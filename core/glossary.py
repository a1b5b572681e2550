"""Terms of the trade in one sentence each, for the `help=` beside them."""

from __future__ import annotations

GLOSSARY: dict[str, str] = {
    "3D U-Net": "Shrinks the head step by step to see its whole shape, then grows back to full "
    "detail through shortcuts; gives every voxel a probability of being brain.",
    "agreement": "Detector and classifier are two networks that look for different things; where "
    "they disagree, at least one of them is wrong.",
    "angle": "The angle at the middle point between the lines to the two others, 0° to 180°.",
    "AUROC": "Area under the ROC curve: the chance that a fractured film scores higher than a "
    "normal one; 0.5 is a coin, 1 is perfect.",
    "average precision": "Area under the precision-recall curve: 1 where every true box is found "
    "before any false one (mAP50: a box counts from an overlap of 0.5).",
    "bias field": "A smooth shading across an MR image that comes from the coils, not from "
    "tissue: the same tissue is bright here and dark there.",
    "bone density": "Mineral per volume. Low density (osteoporosis) means thin cortex and little "
    "contrast, in which a fracture line is easy to miss.",
    "brain threshold": "A voxel counts as brain from this probability on. It acts on the result; "
    "the network does not run again.",
    "brain volume": "All voxels of the mask times the volume of one: tissue with its ventricles "
    "and sulci.",
    "calibrated": "Of all films that are given 30 %, about 30 % should have the finding. That "
    "holds for films like those the network was checked on; where it is rarer, it is too much.",
    "cardiothoracic ratio": "Width of the heart divided by the inner width of the chest (CTR; "
    "Danzer 1919). Above 0.5 on a PA film of an adult the heart counts as enlarged.",
    "classifier": "A network that gives one probability for the whole film and no place.",
    "confidence": "A box is shown from this score on. Higher: fewer false alarms, more misses. It "
    "acts on the result; the detector does not run again.",
    "detector": "A network that gives boxes, each with a score between 0 and 1; the score is no "
    "probability of a fracture.",
    "Dice": "Twice the shared volume of two masks divided by the sum of their volumes: 1 is the "
    "same mask, 0 none shared.",
    "display window": "Which grey values are spread from black to white: level is the middle, "
    "width the span. It changes what you see, never what the model sees.",
    "false alarm": "A predicted box that matches no true box (false positive).",
    "fracture heat map": "It shows what moved the classifier, not where the fracture is, and "
    "is hot somewhere even where the probability is low.",
    "fused": "Detector and classifier together: logistic regression on both answers, fitted on the "
    "validation films, so that of films given 70 % about 70 in 100 are fractured, where fractures "
    "are as frequent as there.",
    "Grad-CAM": "Where the classifier's last feature maps pushed its answer towards “fracture” "
    "(Selvaraju et al. 2017). It shows what mattered to the network, not where the fracture is.",
    "HD95": "95th percentile of the distance between two surfaces in mm (Hausdorff distance "
    "without its outliers): how far off the worst places are.",
    "heat map": "A value from 0 (none) to 1 (the strongest place in this film) for every pixel.",
    "hit": "A predicted box that overlaps a true box by at least half (IoU ≥ 0.5), or whose centre "
    "lies inside one: true positive.",
    "interval": "95 % bootstrap interval: how far the figure would move with other test films.",
    "IoU": "Intersection over union: shared area of two boxes divided by the area they cover "
    "together. Of two predictions that overlap by more than this, only the better stays.",
    "joint degeneration": "Wear of a joint (osteoarthritis): narrow joint space, dense bone ends "
    "and bony spurs, which a detector may take for fractures.",
    "laterality": "Side of the body, left (L) or right (R), where the file says so.",
    "mask IoU": "Shared volume of two masks divided by the volume they cover together.",
    "miss": "A true box that no prediction hit (false negative).",
    "model card": "What a model was trained on, how well it does, and where it fails.",
    "multi-label": "One network answers for many findings at once, each by itself: several can be "
    "true of one film. A binary network knows one finding and calls all else negative.",
    "N4": "Estimates the bias field as a smooth surface and divides by it (Tustison et al. 2010).",
    "operating point": "The threshold that was chosen on validation films, before the test.",
    "orientation": "Where the three stored axes point: R or L, A or P, S or I. PIR, say, is "
    "stored from front to back first.",
    "phantom": "A simulated radiograph of which everything is known; it shows no patient.",
    "pixel spacing": "Size of one pixel in mm, at the detector unless the file says otherwise. "
    "Without it, lengths can be given in pixels only.",
    "Rician noise": "Noise of MR magnitude images: about Gaussian in tissue, but never below "
    "zero, so that air is not black.",
    "truth": "What experts marked, or what the phantom was simulated with.",
    "view": "How the rays went: PA from back to front, AP from front to back, as at the bedside, "
    "where the heart is farther from the detector and looks larger.",
    "voxel": "One volume element, the 3D pixel; its size says how coarse the scan is.",
    "window preset": "Windows stored in a DICOM file. Choosing another one reads the file again: "
    "this does change what the model sees.",
    "working grid": "The box of voxels that the network receives. Smaller is faster; what lies "
    "outside is not seen.",
}
