/** A query as detectors were trained on phrases: lower case, no article before it, no punctuation around it. */
export const detectorPhrase = (query: string): string => {
  const plain = query
    .toLowerCase()
    .replace(/^[\s.,;:!?]+|[\s.,;:!?]+$/g, "")
    .replace(/^(the|a|an)\s+/, "");
  return plain === "" ? query.toLowerCase() : plain;
};
