/**
 * Small trees and commits, and what kind and size objects have, remembered in memory: an object never changes under its name, and asking a
 * git process costs a hundred times as much. Bounded in bytes; least recently used first out. Whoever asks has been authorized on the repo.
 */
import type { ObjectContent, ObjectInfo } from './object.ts'

/** Bytes of content that one store keeps, and the largest that is kept at all. */
const contentBytesKept = 16 * 1024 * 1024
const largestContentKept = 64 * 1024
const infosKept = 30_000

export class ObjectCache {
  readonly #contents = new Map<string, ObjectContent>()
  readonly #infos = new Map<string, ObjectInfo>()
  #bytes = 0

  /** `name` is an object id, or one with `^{tree}`; anything else can come to mean something else. */
  findContent(repo: string, name: string): ObjectContent | null {
    const key = `${repo} ${name}`
    const known = this.#contents.get(key)
    if (known === undefined) return null
    this.#contents.delete(key)
    this.#contents.set(key, known)
    return known
  }

  /** The bytes are copied: what git's answer arrived in is much larger. */
  keepContent(repo: string, name: string, content: ObjectContent): void {
    const key = `${repo} ${name}`
    if (content.type === 'blob' || content.size > largestContentKept || !isFixed(name) || this.#contents.has(key))
      return
    this.#contents.set(key, { ...content, bytes: Buffer.from(content.bytes) })
    this.#bytes += weight(content)
    for (const [oldest, { size }] of this.#contents) {
      if (this.#bytes <= contentBytesKept) break
      this.#contents.delete(oldest)
      this.#bytes -= weight({ size })
    }
  }

  findInfo(repo: string, oid: string): ObjectInfo | null {
    return this.#infos.get(`${repo} ${oid}`) ?? null
  }

  keepInfo(repo: string, name: string, info: ObjectInfo): void {
    if (name !== info.oid) return
    this.#infos.set(`${repo} ${name}`, info)
    for (const oldest of this.#infos.keys()) {
      if (this.#infos.size <= infosKept) break
      this.#infos.delete(oldest)
    }
  }
}

/** With what an entry costs beside its bytes. */
function weight({ size }: { readonly size: number }): number {
  return size + 300
}

function isFixed(name: string): boolean {
  return /^[0-9a-f]{40}(\^\{tree\})?$/.test(name)
}
