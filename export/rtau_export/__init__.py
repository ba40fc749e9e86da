"""From checkpoint to model file: the exported graph, its contract, and the proof that it is equal.

`rtau-export onnx` needs torch and onnx (`pip install rtau[export]`); `rtau-export verify` needs
neither. Nothing here is imported by the runtime.
"""

import rtau.backends  # noqa: F401 - turns off what ONNX Runtime reports, before it is loaded
