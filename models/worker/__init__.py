"""A worker of the ZeroMQ protocol on ONNX Runtime for Python, with what onnxruntime-node lacks: IO binding, CUDA graphs."""
