"""Names in the ONNX files of this project that the converters write and the runners read. Imports nothing."""

# The ends of the graph.
INPUT = "images"
OUTPUT = "probabilities"

# Keys of the metadata. The scales of tensors that convolutions give in floating point, as JSON {tensor: name of its
# scale}: ONNX Runtime on x86 has kernels for those alone whose results are rounded to int8. The key is that of files
# from version 0.2.0, in which only the branches of additions had such scales.
X86_SCALES = "temper.branch_scales"
# How many convolutions and matrix products ONNX Runtime executes in which precision, such as "53 int8, 2 fp32".
KERNELS = "temper.kernels"
