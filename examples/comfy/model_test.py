"""onnxruntime of the virtual environment runs the model of the image: every pixel becomes four."""

import pathlib
import sys

import numpy
import onnxruntime

assert pathlib.Path(sys.prefix, "pyvenv.cfg").is_file(), sys.prefix
for module in (numpy, onnxruntime):
    assert module.__file__.startswith(sys.prefix), module.__file__

image = numpy.random.default_rng(1).random((1, 3, 5, 7), dtype=numpy.float32)
session = onnxruntime.InferenceSession("examples/comfy/model/upscale_2x.onnx", providers=["CPUExecutionProvider"])
(upscaled,) = session.run(None, {"image": image})
assert numpy.array_equal(upscaled, image.repeat(2, axis=2).repeat(2, axis=3))
print("onnxruntime", onnxruntime.__version__, "numpy", numpy.__version__, upscaled.shape)
