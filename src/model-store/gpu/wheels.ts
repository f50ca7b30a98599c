/** A wheel of the Python index whose libraries onnxruntime-node's CUDA needs, for Linux on x64. */
export interface Wheel {
  readonly package: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
  /** Size of the wheel. */
  readonly bytes: number;
}

/** Version of ONNX Runtime whose provider libraries these are: that of onnxruntime-node. */
export const gpuRuntimeVersion = "1.30.0";

/** ONNX Runtime's provider library, and what it and cuDNN load. Its own metadata names CUDA 13 and cuDNN 9. */
export const gpuWheels: readonly Wheel[] = [
  {
    package: "onnxruntime-gpu",
    version: gpuRuntimeVersion,
    file: "onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl",
    sha256: "6acc0f4b3d5ac5f2984432faa59dd8fcce6775f8b43a7140afa0f322c7a703b1",
    bytes: 246_685_715,
  },
  {
    package: "nvidia-cublas",
    version: "13.10.0.20",
    file: "nvidia_cublas-13.10.0.20-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl",
    sha256: "dcc6d63884c53d07e267ce7e6feac17b2538cebaafec5db865736c3e28e4dc84",
    bytes: 444_289_903,
  },
  {
    package: "nvidia-cuda-nvrtc",
    version: "13.5.37",
    file: "nvidia_cuda_nvrtc-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
    sha256: "86b4d68058807988b7d9af5b44917a0601e9c337f35ccd657bfb3c759ff8d8bc",
    bytes: 58_185_930,
  },
  {
    package: "nvidia-cuda-runtime",
    version: "13.5.37",
    file: "nvidia_cuda_runtime-13.5.37-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    sha256: "df2b79a8852f10d1fef8c848489c49eebb5754051bf870202a862831412b179d",
    bytes: 2_504_024,
  },
  {
    package: "nvidia-cufft",
    version: "12.5.0.14",
    file: "nvidia_cufft-12.5.0.14-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
    sha256: "b8be26837a5abad2b5b74f3e92dd29f622a42934b355be0961a48712cbba23ad",
    bytes: 165_072_555,
  },
  {
    package: "nvidia-curand",
    version: "10.4.5.25",
    file: "nvidia_curand-10.4.5.25-py3-none-manylinux_2_27_x86_64.whl",
    sha256: "22bb226a857e5888fe6b54ae465fc4371296bcff13a35f79e19691bcf454f529",
    bytes: 77_113_015,
  },
  {
    package: "nvidia-cudnn-cu13",
    version: "9.28.1.4",
    file: "nvidia_cudnn_cu13-9.28.1.4-py3-none-manylinux_2_27_x86_64.whl",
    sha256: "a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec",
    bytes: 516_817_937,
  },
  {
    package: "nvidia-nvjitlink",
    version: "13.5.37",
    file: "nvidia_nvjitlink-13.5.37-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
    sha256: "280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb",
    bytes: 46_642_491,
  },
];
