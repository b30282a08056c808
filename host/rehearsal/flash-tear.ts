// What a power cut within a write leaves of DeviceScript's flash store.
//
// The VM hands over whole images, so the order of the bytes within a write is taken from the store's layout: a bank
// begins with a header (magic number, generation, pages of the header) and a table of entries of 24 bytes that grows
// upwards, and data grows downwards from its end. Data is programmed before the entry that points to it, and a new
// bank's header comes last. Both kinds of tear that DeviceScript answers with erasing
// everything are among the results: data without an entry, and half an entry.

const MAGIC = 0x52545346
const HEADER_BYTES = 24
const HEADER_PAGES_AT = 18
const PAGE_BYTES = 4096

/** Bytes of `written` that differ from `before`, in the order in which they are programmed. */
function programmed(before: Uint8Array, written: Uint8Array): number[] {
  const data: number[] = []
  const entries: number[] = []
  const header: number[] = []
  const view = new DataView(written.buffer, written.byteOffset, written.length)
  let bank = 0
  let entriesEnd = 0
  for (let page = 0; page < written.length; page += PAGE_BYTES) {
    if (page + HEADER_BYTES <= written.length && view.getUint32(page, true) === MAGIC) {
      bank = page
      entriesEnd = page + view.getUint16(page + HEADER_PAGES_AT, true) * PAGE_BYTES
    }
    const end = Math.min(page + PAGE_BYTES, written.length)
    if (Buffer.compare(written.subarray(page, end), before.subarray(page, end)) === 0) continue
    for (let i = page; i < end; i++) {
      if (written[i] === before[i]) continue
      if (i >= entriesEnd) data.push(i)
      else if (i >= bank + HEADER_BYTES) entries.push(i)
      else header.push(i)
    }
  }
  return [...data, ...entries, ...header]
}

/** The image after a share `done` (0 … 1) of the bytes has been programmed. */
export function tearFlash(before: Uint8Array, written: Uint8Array, done: number): Uint8Array {
  const torn = new Uint8Array(written.length).fill(0xff)
  torn.set(before)
  const order = programmed(before, written)
  for (const at of order.slice(0, Math.round(done * order.length))) torn[at] = written[at]
  return torn
}
