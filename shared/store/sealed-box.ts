import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { PlatformError } from "../errors/platform-error.ts";

/** Bytes of a master key. */
export const masterKeyBytes = 32;

/** Encrypts secrets at rest. */
export interface SealedBox {
  /** The ciphertext of `plaintext`, bound to `path`: version 1 ‖ nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes). */
  seal(path: string, plaintext: Uint8Array): Uint8Array<ArrayBuffer>;
  /**
   * The plaintext of what was sealed for the same `path`.
   *
   * @throws {PlatformError} sealed — when the master key, the path or a byte of the ciphertext is not the one it was sealed with
   */
  open(path: string, sealed: Uint8Array): Uint8Array<ArrayBuffer>;
}

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * A box over AES-256-GCM (NIST SP 800-38D) with a random nonce. `path` (such as `table/column/row`) is authenticated, so that two
 * rows cannot be swapped.
 *
 * @throws {RangeError} when the key is not 32 bytes long
 *
 * @example
 * ```ts
 * import { createSealedBox } from "#shared/store/sealed-box.ts";
 * const box = createSealedBox(new Uint8Array(32).fill(7));
 * console.assert(box.open("key/1", box.seal("key/1", Uint8Array.of(42)))[0] === 42);
 * ```
 */
export function createSealedBox(masterKey: Uint8Array): SealedBox {
  if (masterKey.length !== masterKeyBytes) {
    throw new RangeError(`Cannot use a master key of ${masterKey.length} bytes, expected ${masterKeyBytes}`);
  }
  const key = Uint8Array.from(masterKey);
  return {
    seal(path, plaintext) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(path));
      const body = [cipher.update(plaintext), cipher.final()];
      return Uint8Array.from(Buffer.concat([Buffer.of(version), nonce, ...body, cipher.getAuthTag()]));
    },
    open(path, sealed) {
      if (sealed.length < 1 + nonceBytes + tagBytes || sealed[0] !== version) throw cannotOpen(path);
      try {
        const nonce = sealed.subarray(1, 1 + nonceBytes);
        const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes }).setAAD(
          Buffer.from(path),
        );
        decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
        const body = decipher.update(sealed.subarray(1 + nonceBytes, sealed.length - tagBytes));
        return Uint8Array.from(Buffer.concat([body, decipher.final()]));
      } catch (cause) {
        throw cannotOpen(path, cause);
      }
    },
  };
}

function cannotOpen(path: string, cause?: unknown): PlatformError {
  return new PlatformError(
    "sealed",
    `Cannot decrypt "${path}": it was not sealed with this master key, expected the key that the database was created with`,
    { cause },
  );
}
