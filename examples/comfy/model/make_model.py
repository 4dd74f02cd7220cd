"""Writes upscale_2x.onnx: a 2x upscaler of images, small enough to be checked in and exact enough to be tested.

    python3 examples/comfy/model/make_model.py        (needs onnx and numpy)

A 3x3 convolution makes four copies of each channel, DepthToSpace lays them out as the four pixels of a 2x2 block. With
weights of 1 in the centre the result is the nearest-neighbour upscaling, which a test can compare bit for bit.
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def main():
    weights = np.zeros((12, 3, 3, 3), dtype=np.float32)
    for output in range(12):
        weights[output, output % 3, 1, 1] = 1.0
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weights"], ["blocks"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            helper.make_node("DepthToSpace", ["blocks"], ["upscaled"], blocksize=2, mode="DCR"),
        ],
        "upscale_2x",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor_value_info("upscaled", TensorProto.FLOAT, [1, 3, "height2", "width2"])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    pathlib.Path(__file__).with_name("upscale_2x.onnx").write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
