"""Models: cards, verified weights and one package per task."""

import os

# Since 1.29, ONNX Runtime reports models and runs to its makers, and keeps an identifier of the
# computer in the user's cache folder. It reads this once, when it is first imported; processes
# that the app starts inherit it. https://github.com/microsoft/onnxruntime/pull/27379
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
