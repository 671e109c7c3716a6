/** Files of any size made and compared as streams: nothing of them is held. */
import { createCipheriv, createHash, randomBytes, randomInt } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

const piece = 1 << 20

/** Writes a file that does not compress in one half and does, as weights do, in the other; returns its SHA-256. */
export async function writeLargeFile(file: string, size: number): Promise<string> {
  const noise = createCipheriv('aes-256-ctr', randomBytes(32), randomBytes(16))
  const zeros = Buffer.alloc(piece)
  const hash = createHash('sha256')
  const handle = await open(file, 'wx')
  try {
    for (let at = 0; at < size; at += piece) {
      const bytes = noise.update(zeros).subarray(0, Math.min(piece, size - at))
      // As bf16 numbers of one magnitude: every second byte says little.
      if ((at / piece) % 16 < 8) for (let index = 1; index < bytes.length; index += 2) bytes[index] = 0x3f
      hash.update(bytes)
      await handle.write(bytes)
    }
  } finally {
    await handle.close()
  }
  return hash.digest('hex')
}

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(file, { highWaterMark: piece })) hash.update(bytes)
  return hash.digest('hex')
}

/** 2,000 files as a repo has them: many texts, many small binary files, some of a MiB, five of 40 MiB. */
export async function writeFolder(folder: string): Promise<void> {
  for (let index = 0; index < 2_000; index++) {
    const parent = path.join(folder, `part-${index % 20}`)
    await mkdir(parent, { recursive: true })
    const name = `file-${String(index).padStart(4, '0')}`
    if (index % 400 === 0) await writeLargeFile(path.join(parent, `${name}.safetensors`), 40 << 20)
    else if (index % 20 === 1) await writeFile(path.join(parent, `${name}.bin`), randomBytes(piece))
    else if (index % 3 === 0) await writeFile(path.join(parent, `${name}.bin`), randomBytes(randomInt(1, 50_000)))
    else await writeFile(path.join(parent, `${name}.txt`), `${name}\n`.repeat(randomInt(0, 500)))
  }
}

/** SHA-256 of every file below the folder, by relative path. What begins with a dot is a client's own. */
export async function digestsBelow(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const digests = new Map<string, string>()
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name)
    const name = path.relative(folder, file)
    if (entry.isFile() && !name.startsWith('.')) digests.set(name, await sha256OfFile(file))
  }
  return new Map([...digests].sort())
}
