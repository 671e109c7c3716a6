/**
 * The Merkle tree over chunks, whose root is a xorb's hash and, hashed once more, a file's. Each level keeps at most eight nodes that
 * wait for their group, so memory does not grow with the file.
 */
import { hashBytes, hashToString, nodeHash, rootToFileHash } from './hash.ts'

interface Level {
  lines: string
  count: number
  /** Nodes that this level had altogether: the first level with a single one holds the root. */
  total: number
  size: number
  first: Uint8Array
}

/** A group ends after a node (not the first two) whose last word is divisible by this. */
const meanBranching = 4
const mostBranching = 2 * meanBranching + 1

export interface TreeLeaf {
  readonly hash: Uint8Array
  /** Raw bytes of the chunk. */
  readonly size: number
}

export class MerkleTree {
  readonly #levels: Level[] = []

  add(hash: Uint8Array, size: number): void {
    this.#add(0, hash, size)
  }

  /** Ends the tree. 32 zero bytes if nothing was added; the chunk's own hash if it was one. */
  root(): Buffer {
    for (let depth = 0; ; depth++) {
      const level = this.#levels[depth]
      if (level === undefined) return Buffer.alloc(hashBytes)
      if (level.total === 1) return Buffer.from(level.first)
      if (level.count > 0) this.#close(depth, level)
    }
  }

  #add(depth: number, hash: Uint8Array, size: number): void {
    const level = this.#levels[depth] ?? { lines: '', count: 0, total: 0, size: 0, first: Buffer.from(hash) }
    this.#levels[depth] = level
    level.lines += `${hashToString(hash)} : ${size}\n`
    level.size += size
    level.total += 1
    level.count += 1
    // `hash % 4` of the reference is of the last little-endian word, so of its first byte.
    const isCut = level.count >= 3 && (hash[24] ?? 0) % meanBranching === 0
    if (isCut || level.count === mostBranching) this.#close(depth, level)
  }

  #close(depth: number, level: Level): void {
    const { lines, size } = level
    level.lines = ''
    level.count = 0
    level.size = 0
    this.#add(depth + 1, nodeHash(lines), size)
  }
}

/** A xorb's hash, from its chunks in order. */
export function merkleRoot(leaves: Iterable<TreeLeaf>): Buffer {
  const tree = new MerkleTree()
  for (const leaf of leaves) tree.add(leaf.hash, leaf.size)
  return tree.root()
}

/** A file's hash, from the root over all its chunks. An empty file's is all zero. */
export function fileHashOf(root: Uint8Array): Buffer {
  return root.every((byte) => byte === 0) ? Buffer.alloc(hashBytes) : rootToFileHash(root)
}
