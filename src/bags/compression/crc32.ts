import { createRequire } from "node:module";
import zlib from "node:zlib";

type Crc32 = (data: Uint8Array) => number;

const require = createRequire(import.meta.url);

/** The native module's, or Node's own where the module has no binary. */
function load(): Crc32 {
  try {
    return (require("@node-rs/crc32") as { crc32: Crc32 }).crc32;
  } catch {
    return zlib.crc32;
  }
}

/** CRC-32 (IEEE 802.3) as MCAP has it; the native module is faster than Node's own. */
export const crc32: Crc32 = load();
