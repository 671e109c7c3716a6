/** The index of a pack (version 2, gitformat-pack(5)): sorted ids with checksum and position of each object. */
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'

export interface PackedObject {
  oid: string
  /** CRC-32 of the object as it lies in the pack. */
  crc: number
  offset: number
}

const largeOffset = 0x8000_0000

/** The bytes of the index. Sorted bucket by bucket, with a turn for others between, so that 25,000 objects stall nobody. */
export async function formatPackIndex(objects: readonly PackedObject[], packChecksum: Buffer): Promise<Buffer> {
  const sorted: PackedObject[] = []
  const fanout = Buffer.alloc(1024)
  const buckets = intoBuckets(objects)
  for (const [first, bucket] of buckets.entries()) {
    bucket.sort((a, b) => (a.oid < b.oid ? -1 : 1))
    for (const object of bucket) sorted.push(object)
    fanout.writeUInt32BE(sorted.length, first * 4)
    if (bucket.length > 50 && first % 16 === 15) await nextTurn()
  }
  const ids = Buffer.allocUnsafe(sorted.length * 20)
  const crcs = Buffer.allocUnsafe(sorted.length * 4)
  const offsets = Buffer.allocUnsafe(sorted.length * 4)
  const large: Buffer[] = []
  for (const [place, object] of sorted.entries()) {
    ids.write(object.oid, place * 20, 'hex')
    crcs.writeUInt32BE(object.crc, place * 4)
    if (object.offset < largeOffset) {
      offsets.writeUInt32BE(object.offset, place * 4)
    } else {
      offsets.writeUInt32BE(largeOffset + large.length, place * 4)
      const wide = Buffer.alloc(8)
      wide.writeBigUInt64BE(BigInt(object.offset))
      large.push(wide)
    }
    if (place % 8192 === 8191) await nextTurn()
  }
  const head = Buffer.from([0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2])
  const content = Buffer.concat([head, fanout, ids, crcs, offsets, ...large, packChecksum])
  return Buffer.concat([content, createHash('sha1').update(content).digest()])
}

function intoBuckets(objects: readonly PackedObject[]): PackedObject[][] {
  const buckets: PackedObject[][] = Array.from({ length: 256 }, () => [])
  for (const object of objects) buckets[Number.parseInt(object.oid.slice(0, 2), 16)]?.push(object)
  return buckets
}
