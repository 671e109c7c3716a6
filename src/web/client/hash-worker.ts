/* The SHA-256 of a file, away from the page: read piece by piece, whatever its size. The browser's own digest wants all of it at once. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

export type HashJob = { id: number; file: Blob }
export type HashNews =
  | { id: number; kind: 'progress'; bytes: number }
  | { id: number; kind: 'done'; sha256: string }
  | { id: number; kind: 'failed'; words: string }

const tellEvery = 8 << 20

self.addEventListener('message', (event: MessageEvent<HashJob>) => {
  void hash(event.data)
})

async function hash({ id, file }: HashJob): Promise<void> {
  const say = (news: HashNews): void => self.postMessage(news)
  try {
    const digest = sha256.create()
    const reader = file.stream().getReader()
    let bytes = 0
    let told = 0
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      digest.update(value)
      bytes += value.length
      if (bytes - told < tellEvery) continue
      told = bytes
      say({ id, kind: 'progress', bytes })
    }
    say({ id, kind: 'done', sha256: bytesToHex(digest.digest()) })
  } catch (error) {
    say({ id, kind: 'failed', words: error instanceof Error ? error.message : 'The file could not be read.' })
  }
}
