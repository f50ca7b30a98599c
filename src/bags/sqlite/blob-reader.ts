import { closeSync, openSync, readSync } from "node:fs";
import type { DatabaseSyncInstance } from "@photostructure/sqlite";

/** Interior pages held; a recording of a million messages has a few thousand leaves below a few dozen of them. */
const maxPages = 64;

interface Page {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Where the b-tree header begins: 100 on the file's first page. */
  readonly start: number;
}

/** A message's data: what lies on the leaf, and the first of the pages with the rest. */
interface Value {
  /** Bytes of the data. */
  readonly size: number;
  readonly here: Buffer;
  readonly overflow: number;
}

/**
 * Reads messages' data straight from a database file (sqlite's file format, 1.5 and 2): sqlite fetches a blob of
 * megabytes page by page, one system call for each, and this reader fetches its pages in one go. Everything that is
 * not as expected gives undefined, and the caller asks sqlite.
 */
export class BlobReader {
  readonly #descriptor: number;
  readonly #pageSize: number;
  /** Bytes of a page that hold content. */
  readonly #usable: number;
  readonly #root: number;
  /** Position of the `data` column. */
  readonly #column: number;
  readonly #interior = new Map<number, Page>();
  #leaf: Page | undefined;

  private constructor(
    descriptor: number,
    place: {
      readonly root: number;
      readonly column: number;
      readonly pageSize: number;
      readonly usable: number;
    },
  ) {
    this.#descriptor = descriptor;
    this.#root = place.root;
    this.#column = place.column;
    this.#pageSize = place.pageSize;
    this.#usable = place.usable;
  }

  /** Undefined for a file whose `messages` table is not as rosbag2 makes it. */
  static open(file: string, database: DatabaseSyncInstance): BlobReader | undefined {
    const table = database
      .prepare("SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = 'messages'")
      .get();
    const columns = database.prepare("PRAGMA table_info(messages)").all();
    const column = columns.findIndex(({ name }) => name === "data");
    const id = columns.find(({ name }) => name === "id");
    // Only such an id is the row's own number.
    if (column < 0 || String(id?.type).toUpperCase() !== "INTEGER" || Number(id?.pk) !== 1) return undefined;
    const descriptor = openSync(file, "r");
    const header = Buffer.alloc(100);
    const root = Number(table?.rootpage);
    if (readSync(descriptor, header, 0, 100, 0) < 100 || !(root > 1)) {
      closeSync(descriptor);
      return undefined;
    }
    const size = header.readUInt16BE(16);
    const pageSize = size === 1 ? 65_536 : size;
    return new BlobReader(descriptor, { root, column, pageSize, usable: pageSize - header[20]! });
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** @param lent memory to read into, which grows as needed; memory of its own when undefined. */
  read(id: number, lent: LentMemory | undefined): Uint8Array | undefined {
    return this.#unlessDamaged(() => {
      const value = this.#valueOf(id);
      return value && this.#data(value, lent);
    });
  }

  /** The beginning of a message, as far as it lies on the leaf itself. */
  head(id: number): Uint8Array | undefined {
    return this.#unlessDamaged(() => this.#valueOf(id)?.here);
  }

  #valueOf(id: number): Value | undefined {
    const cell = this.#find(id);
    return cell && this.#value(cell.page, cell.at);
  }

  /** A damaged page sends the offsets astray; sqlite then says what is wrong. */
  #unlessDamaged<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** Where the row's cell is: on the leaf of the last row, mostly. */
  #find(id: number): { readonly page: Page; readonly at: number } | undefined {
    const near = this.#leaf && findCell(this.#leaf, id);
    if (near !== undefined) return { page: this.#leaf!, at: near };
    let page = this.#page(this.#root);
    for (let depth = 0; page !== undefined && depth < 20; depth++) {
      const kind = page.bytes[page.start];
      if (kind === leafKind) {
        this.#leaf = page;
        const at = findCell(page, id);
        return at === undefined ? undefined : { page, at };
      }
      if (kind !== interiorKind) return undefined;
      page = this.#page(childOf(page, id));
    }
    return undefined;
  }

  #page(number: number): Page | undefined {
    const known = this.#interior.get(number);
    if (known !== undefined) return known;
    const bytes = Buffer.alloc(this.#pageSize);
    const offset = (number - 1) * this.#pageSize;
    if (readSync(this.#descriptor, bytes, 0, this.#pageSize, offset) < this.#pageSize) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const page = { bytes, view, start: number === 1 ? 100 : 0 };
    if (bytes[page.start] === interiorKind) {
      if (this.#interior.size >= maxPages) this.#interior.clear();
      this.#interior.set(number, page);
    }
    return page;
  }

  /** Where a leaf's cell has the value of the data column: payload size, row id, payload, first overflow page. */
  #value({ bytes, view }: Page, at: number): Value | undefined {
    const [payload, afterSize] = varint(bytes, at);
    const [, begin] = varint(bytes, afterSize);
    const local = this.#localSize(payload);
    const [headerSize, firstType] = varint(bytes, begin);
    let offset = headerSize;
    let next = firstType;
    for (let i = 0; i < this.#column; i++) {
      const [type, after] = varint(bytes, next);
      offset += contentSize(type);
      next = after;
    }
    const [type] = varint(bytes, next);
    // Blobs have even types from 12 on.
    if (type < 12 || type % 2 !== 0 || next > begin + headerSize || offset > local) return undefined;
    const size = contentSize(type);
    if (offset + size > payload) return undefined;
    const start = begin + offset;
    const here = bytes.subarray(start, start + Math.min(size, local - offset));
    return { size, here, overflow: here.length < size ? view.getUint32(begin + local) : 0 };
  }

  #data({ size, here, overflow }: Value, lent: LentMemory | undefined): Uint8Array | undefined {
    const pages = Math.ceil((size - here.length) / (this.#usable - 4));
    const memory = memoryOf(here.length + pages * this.#pageSize, lent);
    here.copy(memory);
    const out = memory.subarray(0, size);
    return this.#overflow(overflow, memory, here.length, size) ? out : undefined;
  }

  /**
   * Fills `memory` from `done` to `size`; false when the chain of pages ends or the file does. Pages are read to where
   * their content belongs, and the number at the head of each is closed over: `memory` has room for the last page.
   */
  #overflow(first: number, memory: Buffer, done: number, size: number): boolean {
    const pageSize = this.#pageSize;
    const room = this.#usable - 4;
    let page = first;
    let filled = done;
    let run = Number.POSITIVE_INFINITY;
    while (filled < size) {
      const count = Math.min(run, Math.ceil((size - filled) / room));
      if (page < 2) return false;
      const begin = filled;
      const read = readSync(this.#descriptor, memory, begin, count * pageSize, (page - 1) * pageSize);
      let used = 0;
      // Pages of one blob lie one behind the other, mostly.
      for (let follows = true; follows && used < count && filled < size; used++) {
        const start = begin + used * pageSize;
        if ((used + 1) * pageSize > read) return false;
        const following = memory.readUInt32BE(start);
        memory.copyWithin(filled, start + 4, start + 4 + room);
        filled += room;
        follows = following === page + 1;
        page = following;
      }
      // Where they do not, less is read in vain.
      run = Math.max(1, used * 2);
    }
    return true;
  }

  /** Bytes of a payload on the leaf itself (file format, 1.6). */
  #localSize(payload: number): number {
    const most = this.#usable - 35;
    if (payload <= most) return payload;
    const least = Math.floor(((this.#usable - 12) * 32) / 255) - 23;
    const even = least + ((payload - least) % (this.#usable - 4));
    return even <= most ? even : least;
  }
}

/** Memory of one reading that is used for message after message. */
export interface LentMemory {
  buffer: Buffer;
}

function memoryOf(size: number, lent: LentMemory | undefined): Buffer {
  if (lent === undefined) return Buffer.allocUnsafeSlow(size);
  if (lent.buffer.length < size) lent.buffer = Buffer.allocUnsafeSlow(Math.ceil(size * 1.25));
  return lent.buffer.subarray(0, size);
}

const leafKind = 0x0d;
const interiorKind = 0x05;

/** Offset of the cell of a row, or undefined when the leaf does not hold it. */
function findCell({ bytes, view, start }: Page, id: number): number | undefined {
  let low = 0;
  let high = view.getUint16(start + 3) - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const at = view.getUint16(start + 8 + 2 * middle);
    const [, afterSize] = varint(bytes, at);
    const [row] = varint(bytes, afterSize);
    if (row === id) return at;
    if (row < id) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** The page below an interior page that holds a row: each cell has a child and the greatest row in it. */
function childOf({ bytes, view, start }: Page, id: number): number {
  let low = 0;
  let high = view.getUint16(start + 3);
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = view.getUint16(start + 12 + 2 * middle);
    if (varint(bytes, at + 4)[0] < id) low = middle + 1;
    else high = middle;
  }
  const count = view.getUint16(start + 3);
  return low === count ? view.getUint32(start + 8) : view.getUint32(view.getUint16(start + 12 + 2 * low));
}

/** A number of 1 to 9 bytes, 7 bits each, and where the next begins. @throws RangeError beyond 2^53 or the page */
function varint(bytes: Buffer, at: number): readonly [value: number, next: number] {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw new RangeError("a number is cut off");
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      if (!Number.isSafeInteger(value)) throw new RangeError("a number is too large");
      return [value, at + i + 1];
    }
  }
  throw new RangeError("a number is too large");
}

/** Bytes of a value of a serial type (file format, 2.1). */
function contentSize(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2);
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][type]!;
}
