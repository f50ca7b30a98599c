/** First bytes of files that are taken for recordings, and what they are. */
const kinds: readonly (readonly [head: string, kind: string])[] = [
  ["#ROSBAG V", "it is a ROS 1 bag: convert it with rosbags-convert"],
  ["version https://git-lfs", "it is a Git LFS pointer: fetch the recording with `git lfs pull`"],
  ["SQLite format 3\0", "it is a sqlite3 file: name it .db3"],
  ["\x89MCAP0\r\n", "it is an MCAP file: name it .mcap"],
  ["\x28\xb5\x2f\xfd", "it is compressed by zstd: name it .mcap.zstd or .db3.zstd"],
  ["\x1f\x8b", "it is compressed by gzip: unpack it"],
  ["PK\x03\x04", "it is a zip archive: unpack it"],
  ["<", "it is a page of a web server"],
];

/** Bytes of a file's head that {@link otherFormat} looks at. */
export const headBytes = 32;

/**
 * What a file is that does not begin as it should, with what to do.
 * @param expected the format, with its article
 */
export function otherFormat(head: Uint8Array, expected: string): string {
  if (head.length === 0) return "it is empty";
  const text = Buffer.from(head.subarray(0, headBytes)).toString("latin1");
  return kinds.find(([magic]) => text.startsWith(magic))?.[1] ?? `it does not begin as ${expected} file does`;
}
