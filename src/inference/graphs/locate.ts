import { madeNames, type OnnxModel, withPrefix } from "./model.js";

const decoderPrefix = "decoder/";

/**
 * Encoder and decoder as one graph: takes the inputs of the encoder, and those of the decoder that the encoder does
 * not make; gives the outputs of both, so that further queries on the image need the decoder alone.
 * @throws RangeError when their operators' versions differ, or a name of one means another value in the other
 */
export function locateModel(encoder: OnnxModel, decoder: OnnxModel): OnnxModel {
  const opsets = new Map(encoder.opsets);
  for (const [domain, version] of decoder.opsets) {
    const other = opsets.get(domain) ?? version;
    if (other !== version)
      throw new RangeError(
        `the encoder has operator set ${other}, the decoder ${version} (${domain || "standard"})`,
      );
    opsets.set(domain, version);
  }
  const features = new Set(encoder.outputs.map(({ name }) => name));
  const shared = decoder.inputs.filter(({ name }) => features.has(name)).map(({ name }) => name);
  const outside = [...decoder.inputs, ...decoder.outputs].map(({ name }) => name);
  const taken = new Set([...madeNames(encoder), ...encoder.inputs.map(({ name }) => name)]);
  const twice = outside.find((name) => taken.has(name) && !shared.includes(name));
  if (twice !== undefined) throw new RangeError(`both graphs have a value ${twice}`);
  const renamed = withPrefix(decoder, decoderPrefix, new Set(outside));
  return {
    ...encoder,
    opsets,
    nodes: [...encoder.nodes, ...renamed.nodes],
    initializers: [...encoder.initializers, ...renamed.initializers],
    inputs: [...encoder.inputs, ...renamed.inputs.filter(({ name }) => !shared.includes(name))],
    outputs: [...encoder.outputs, ...renamed.outputs],
  };
}
