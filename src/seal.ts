// The seal of a message body, as wire.ts states it: salt | AES-256-CCM(plain) | tag, a key of its own for each
// message, direction and device bound in, and the reply's key bound to the request's salt.

import { sha256Hkdf } from "@devicescript/crypto"
import { MAX_BODY_BYTES, NONCE_BYTES, SALT_BYTES, SEAL_DOWN, SEAL_UP, TAG_BYTES } from "./wire"

/** Added to the length of the tag: the runtime decrypts. */
const DECRYPT = 0x1000

/** The encrypted part of a request: the body is `salt` followed by it. */
export function sealRequest(key: Buffer, device: string, salt: Buffer, plain: Buffer): Buffer {
  return cipher(plain, sha256Hkdf(key, SEAL_UP + device, salt), TAG_BYTES)
}

/** Opens the reply to the request whose salt is `requestSalt`; throws RangeError `size` or `seal`. */
export function openReply(key: Buffer, device: string, requestSalt: Buffer, body: Buffer): Buffer {
  return openBody(key, SEAL_DOWN + device, requestSalt, body)
}

/** Opens `body`, sealed under `info` with a key salt of `before` followed by the body's own salt. */
export function openBody(key: Buffer, info: string, before: Buffer, body: Buffer): Buffer {
  if (body.length < SALT_BYTES + TAG_BYTES || body.length > MAX_BODY_BYTES) {
    throw new RangeError("size: body of " + body.length + " bytes")
  }
  const salt = before.concat(body.slice(0, SALT_BYTES))
  try {
    return cipher(body.slice(SALT_BYTES), sha256Hkdf(key, info, salt), DECRYPT + TAG_BYTES)
  } catch {
    throw new RangeError("seal: does not open")
  }
}

/** What stands behind the library's encrypt and decrypt, whose checks of fixed sizes the bytecode has no room for. */
function cipher(data: Buffer, key: Buffer, tag: number): Buffer {
  return (data as any).encrypt("aes-256-ccm", key, Buffer.alloc(NONCE_BYTES), tag)
}
