"""Quantize an ONNX file with NNCF, as its documentation shows it; for an environment in which NNCF is installed.

pip install nncf openvino
python experiments/nncf/quantize.py model.fp32.onnx images.npy model.nncf.xml
"""

import sys

import nncf
import numpy as np
import openvino as ov


def main(source: str, images: str, target: str) -> None:
    """Write the quantized network. images: uint8 [n, size, size, 3]."""
    pixels = np.load(images, mmap_mode="r")
    dataset = nncf.Dataset([np.array(pixels[index : index + 1]) for index in range(len(pixels))])
    quantized = nncf.quantize(
        ov.Core().read_model(source), dataset, subset_size=len(pixels), target_device=nncf.TargetDevice.CPU
    )
    ov.save_model(quantized, target, compress_to_fp16=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
