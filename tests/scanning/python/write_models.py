"""Writes ONNX models and HDF5 files as onnx and h5py write them, honest ones and bad ones: FOLDER HONEST_CONFIG BAD_CONFIG"""
import os
import sys

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder, honest, bad = sys.argv[1:]
os.chdir(folder)


def model(tensor):
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones((2, 2), np.float16), "c"))
    then = helper.make_graph([helper.make_node("Identity", ["w"], ["t"])], "then", [], [helper.make_empty_tensor_value_info("t")])
    branch = helper.make_node("If", ["b"], ["i"], then_branch=then, else_branch=then)
    nodes = [constant, branch, helper.make_node("MatMul", ["x", "w"], ["y"])]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 128])]
    return helper.make_model(helper.make_graph(nodes, "graph", inputs, outputs, [tensor]))


weights = numpy_helper.from_array(np.random.default_rng(1).random((64, 128), np.float32), "w")
onnx.save_model(model(weights), "honest-plain.onnx")
for kind in ("int8", "float64", "bool"):
    onnx.save_model(model(numpy_helper.from_array(np.ones((64, 128), kind), "w")), f"honest-{kind}.onnx")
onnx.save_model(model(weights), "honest-external.onnx", save_as_external_data=True, location="weights.data", size_threshold=0)
for number, location in enumerate(("../../etc/passwd", "/etc/passwd")):
    moved = onnx.load("honest-external.onnx", load_external_data=False)
    for entry in moved.graph.initializer[0].external_data:
        if entry.key == "location":
            entry.value = location
    with open(f"bad-location-{number}.onnx", "wb") as file:
        file.write(moved.SerializeToString())

for name, config in (("honest", honest), ("bad", bad)):
    padded = config.replace("{", '{"padding": "' + "x" * 200_000 + '", ', 1)
    for versions in ("earliest", "latest"):
        with h5py.File(f"{name}-{versions}.h5", "w", libver=versions) as file:
            for number in range(12 if versions == "latest" else 2):
                file.attrs[f"a{number}"] = "some text"
            file.attrs["model_config"] = config.encode()
            file.create_dataset("w", data=np.random.default_rng(2).random((300, 300)))
    with h5py.File(f"{name}-large.h5", "w") as file:
        file.attrs["model_config"] = padded
