"""The nodes that a workflow can use. A node is a function from its inputs to one value."""

import io
import os

import cv2
import numpy as np
import onnxruntime
from PIL import Image
from scipy import ndimage

MODEL = os.environ.get("COMFY_MODEL", "/models/upscale_2x.onnx")

_session = None


def session():
    """The model, loaded when the first workflow needs it."""
    global _session
    if _session is None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        _session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
    return _session


def gradient(width: int, height: int):
    """An RGB image, float32 in 0..1, height x width x 3."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.stack([x / max(width - 1, 1), y / max(height - 1, 1), (x + y) % 2], axis=-1)


def upscale(image):
    """The image at twice its size, by the model."""
    batch = np.ascontiguousarray(image.transpose(2, 0, 1)[None])
    return session().run(["upscaled"], {"image": batch})[0][0].transpose(1, 2, 0)


def blur(image, sigma: float):
    """The image, blurred."""
    return ndimage.gaussian_filter(image, sigma=(sigma, sigma, 0)).astype(np.float32)


def grey(image):
    """The image in grey, with three channels."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def encode_png(image):
    """The bytes of a PNG file."""
    data = io.BytesIO()
    Image.fromarray((image.clip(0, 1) * 255).round().astype(np.uint8)).save(data, format="PNG")
    return data.getvalue()


NODES = {
    "Blur": blur,
    "EncodePng": encode_png,
    "Gradient": gradient,
    "Grey": grey,
    "Upscale": upscale,
}
