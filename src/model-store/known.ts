/** Weights that `models pull` can fetch: publisher, licence and SHA-256. */
export interface KnownWeights {
  readonly name: string;
  readonly description: string;
  readonly publisher: string;
  readonly licence: string;
  readonly file: string;
  readonly url: string;
  readonly sha256: string;
  /** Approximate size in bytes, for the estimate before the server reports the size. */
  readonly bytes: number;
}

const clip = (
  name: string,
  description: string,
  file: string,
  sha256: string,
  bytes: number,
): KnownWeights => ({
  name,
  description,
  publisher: "OpenAI",
  licence: "MIT",
  file,
  // The publisher puts a file's SHA-256 into its address.
  url: `https://openaipublic.azureedge.net/clip/models/${sha256}/${file}`,
  sha256,
  bytes,
});

export const knownWeights: readonly KnownWeights[] = [
  clip(
    "clip-vit-b16",
    "CLIP ViT-B/16, the encoder of the published HiFi-CS",
    "ViT-B-16.pt",
    "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
    351e6,
  ),
  clip(
    "clip-vit-l14",
    "CLIP ViT-L/14, the larger encoder",
    "ViT-L-14.pt",
    "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
    933e6,
  ),
];
