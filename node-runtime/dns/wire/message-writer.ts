import { writeUint16, writeUint32 } from "./bytes.ts";
import { type NameKey, parentKey, rootKey, toNameKey, type WireName } from "./name.ts";
import { findRdataLayout, type ResourceRecord } from "./record.ts";

/** Largest message (RFC 1035 §4.2.2: a 16-bit length over TCP). */
export const maxMessageBytes = 0xffff;

/** Puts names and records one after the other, pointing at names already written (RFC 1035 §4.1.4). */
export interface MessageWriter {
  /** Bytes written so far. */
  readonly sizeBytes: number;
  /** Offsets of the TTLs written so far. */
  readonly ttlOffsets: readonly number[];
  /** Remembers the uncompressed name that starts at `offset` as a target for pointers. */
  remember(name: WireName, offset: number): void;
  /** Adds plain bytes. */
  writeBytes(bytes: Uint8Array): void;
  /** Adds the record; gives false, and adds nothing, when the message would exceed 65,535 bytes. */
  writeRecord(record: ResourceRecord): boolean;
  /** A copy of what was written. */
  toBytes(): Uint8Array;
}

/** A writer with nothing written. */
export function createMessageWriter(): MessageWriter {
  return new Writer();
}

class Writer implements MessageWriter {
  readonly ttlOffsets: number[] = [];
  #bytes = new Uint8Array(512);
  #size = 0;
  readonly #targets = new Map<NameKey, number>();

  get sizeBytes(): number {
    return this.#size;
  }

  remember(name: WireName, offset: number): void {
    let at = offset;
    for (let key = toNameKey(name); key !== rootKey; key = parentKey(key)) {
      // A pointer has 14 bits.
      if (at < 0x4000 && !this.#targets.has(key)) this.#targets.set(key, at);
      at += 1 + key.charCodeAt(0);
    }
  }

  writeBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  writeRecord(record: ResourceRecord): boolean {
    if (this.#size + record.name.length + 10 + record.rdata.length > maxMessageBytes) return false;
    this.#writeName(record.name);
    this.#reserve(10);
    const fixed = this.#size;
    writeUint16(this.#bytes, fixed, record.type);
    writeUint16(this.#bytes, fixed + 2, record.class);
    writeUint32(this.#bytes, fixed + 4, record.ttlSeconds);
    this.ttlOffsets.push(fixed + 4);
    this.#size += 10;
    this.#writeRdata(record);
    writeUint16(this.#bytes, fixed + 8, this.#size - fixed - 10);
    return true;
  }

  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  #writeRdata({ type, rdata }: ResourceRecord): void {
    const layout = findRdataLayout(type);
    if (layout === undefined || !layout.compress || rdata.length === 0) return this.writeBytes(rdata);
    this.writeBytes(rdata.subarray(0, layout.prefix));
    let offset = layout.prefix;
    for (let index = 0; index < layout.names; index++) {
      const end = plainNameEnd(rdata, offset);
      this.#writeName(rdata.subarray(offset, end));
      offset = end;
    }
    this.writeBytes(rdata.subarray(offset));
  }

  #writeName(name: WireName): void {
    let plain = 0;
    for (let key = toNameKey(name); key !== rootKey; key = parentKey(key)) {
      const target = this.#targets.get(key);
      if (target !== undefined) {
        this.#writePrefix(name, plain);
        return this.writeBytes(Uint8Array.of(0xc0 | (target >> 8), target & 0xff));
      }
      plain += 1 + key.charCodeAt(0);
    }
    this.#writePrefix(name, plain);
    this.writeBytes(Uint8Array.of(0));
  }

  /** Writes the first `plainBytes` of the name, and makes its labels targets for later names. */
  #writePrefix(name: WireName, plainBytes: number): void {
    this.remember(name, this.#size);
    this.writeBytes(name.subarray(0, plainBytes));
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#size + more));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
  }
}

/** End of a name that was decompressed before, so that it can be trusted. */
function plainNameEnd(bytes: Uint8Array, start: number): number {
  let offset = start;
  while ((bytes[offset] ?? 0) !== 0) offset += 1 + (bytes[offset] ?? 0);
  return offset + 1;
}
