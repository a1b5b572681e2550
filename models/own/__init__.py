"""A person's own models: converted once to ONNX, described by a card, run by the same code as ours.

`reads` says what such a network takes and gives; `adapter` makes it speak like the network of its
task, so that no task's code knows of it. `network_file` looks into a file and guesses, `convert`
makes ONNX of the frameworks' files in a worker process, `keep` stores and removes, `try_out` shows
on a phantom whether the preprocessing is right.
"""
