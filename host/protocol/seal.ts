// Opening and sealing message bodies: salt | AES-256-CCM(plain) | tag, with one key per message derived from
// the device key (src/wire.ts states the scheme, docs/wire-format.md has a worked example).

import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto"
import {
  KEY_BYTES,
  MAX_BODY_BYTES,
  NONCE_BYTES,
  SALT_BYTES,
  SEAL_DOWN,
  SEAL_UP,
  TAG_BYTES,
} from "../../src/wire.js"
import { WireError } from "./error.js"

// Every message has its own key, so the nonce never has to differ.
const NONCE = new Uint8Array(NONCE_BYTES)

interface OpenedRequest {
  plain: Uint8Array
  /** Binds the reply to this request. */
  salt: Uint8Array
}

/** Opens what `device` sealed; throws WireError `size` or `seal`. */
export function openRequest(key: Uint8Array, device: string, body: Uint8Array): OpenedRequest {
  const salt = saltOf(body)
  return { plain: decrypt(messageKey(key, salt, SEAL_UP + device), body), salt }
}

/** Seals a reply to the request whose salt is `requestSalt`; `salt` is SALT_BYTES fresh random bytes. */
export function sealReply(
  key: Uint8Array,
  device: string,
  requestSalt: Uint8Array,
  salt: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  return encrypt(messageKey(key, Buffer.concat([requestSalt, salt]), SEAL_DOWN + device), salt, plain)
}

/** The board's side of openRequest, for tests and tools that speak to a server. */
export function sealRequest(
  key: Uint8Array,
  device: string,
  salt: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  return encrypt(messageKey(key, salt, SEAL_UP + device), salt, plain)
}

/** The board's side of sealReply; throws WireError `size` or `seal`. */
export function openReply(
  key: Uint8Array,
  device: string,
  requestSalt: Uint8Array,
  body: Uint8Array,
): Uint8Array {
  const salt = Buffer.concat([requestSalt, saltOf(body)])
  return decrypt(messageKey(key, salt, SEAL_DOWN + device), body)
}

function messageKey(key: Uint8Array, salt: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, salt, info, KEY_BYTES))
}

function saltOf(body: Uint8Array): Uint8Array {
  if (body.length < SALT_BYTES + TAG_BYTES || body.length > MAX_BODY_BYTES) {
    throw new WireError(
      "size",
      `body: must have ${SALT_BYTES + TAG_BYTES} to ${MAX_BODY_BYTES} bytes, got ${body.length}`,
    )
  }
  return new Uint8Array(body.subarray(0, SALT_BYTES))
}

function encrypt(key: Uint8Array, salt: Uint8Array, plain: Uint8Array): Uint8Array {
  const length = SALT_BYTES + plain.length + TAG_BYTES
  if (salt.length !== SALT_BYTES || length > MAX_BODY_BYTES) {
    throw new WireError("size", `body: ${length} bytes with a salt of ${salt.length}`)
  }
  const cipher = createCipheriv("aes-256-ccm", key, NONCE, { authTagLength: TAG_BYTES })
  const secret = Buffer.concat([cipher.update(plain), cipher.final()])
  return new Uint8Array(Buffer.concat([salt, secret, cipher.getAuthTag()]))
}

function decrypt(key: Uint8Array, body: Uint8Array): Uint8Array {
  const decipher = createDecipheriv("aes-256-ccm", key, NONCE, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(body.subarray(body.length - TAG_BYTES))
  try {
    const plain = decipher.update(body.subarray(SALT_BYTES, body.length - TAG_BYTES))
    decipher.final()
    return new Uint8Array(plain)
  } catch (cause) {
    throw new WireError("seal", `body: the seal does not open (${(cause as Error).message})`)
  }
}
