import type { fromJSON } from "@grpc/proto-loader";

/**
 * The used part of the Open Inference Protocol's gRPC service (package `inference`), in protobufjs' form of a .proto
 * file. Field numbers are the protocol's, and for ModelConfig those of Triton's extension; other fields are skipped.
 */
const value = (type: string, id: number) => ({ type, id });
const list = (type: string, id: number) => ({ rule: "repeated", type, id });
const call = (requestType: string, responseType: string) => ({ requestType, responseType });

const named = { fields: { name: value("string", 1), version: value("string", 2) } };
const tensor = { name: value("string", 1), datatype: value("string", 2), shape: list("int64", 3) };
const tensorWithContents = { fields: { ...tensor, contents: value("InferTensorContents", 5) } };

export const grpcSchema = {
  nested: {
    inference: {
      nested: {
        GRPCInferenceService: {
          methods: {
            ServerReady: call("Empty", "ReadyResponse"),
            ServerMetadata: call("Empty", "ServerMetadataResponse"),
            ModelReady: call("ModelName", "ReadyResponse"),
            ModelMetadata: call("ModelName", "ModelMetadataResponse"),
            ModelConfig: call("ModelName", "ModelConfigResponse"),
            ModelInfer: call("ModelInferRequest", "ModelInferResponse"),
          },
        },
        Empty: { fields: {} },
        ReadyResponse: { fields: { ready: value("bool", 1) } },
        ServerMetadataResponse: {
          fields: { name: value("string", 1), version: value("string", 2), extensions: list("string", 3) },
        },
        ModelName: named,
        TensorMetadata: { fields: tensor },
        ModelMetadataResponse: {
          fields: {
            name: value("string", 1),
            inputs: list("TensorMetadata", 4),
            outputs: list("TensorMetadata", 5),
          },
        },
        ModelParameter: { fields: { string_value: value("string", 1) } },
        ModelConfiguration: {
          fields: { parameters: { keyType: "string", type: "ModelParameter", id: 14 } },
        },
        ModelConfigResponse: { fields: { config: value("ModelConfiguration", 1) } },
        InferTensorContents: {
          fields: {
            int_contents: list("int32", 2),
            int64_contents: list("int64", 3),
            uint_contents: list("uint32", 4),
            fp32_contents: list("float", 6),
          },
        },
        InferTensor: tensorWithContents,
        RequestedOutput: { fields: { name: value("string", 1) } },
        ModelInferRequest: {
          fields: {
            model_name: value("string", 1),
            inputs: list("InferTensor", 5),
            outputs: list("RequestedOutput", 6),
            raw_input_contents: list("bytes", 7),
          },
        },
        ModelInferResponse: {
          fields: {
            model_name: value("string", 1),
            outputs: list("InferTensor", 5),
            raw_output_contents: list("bytes", 6),
          },
        },
      },
    },
  },
} as unknown as Parameters<typeof fromJSON>[0];
