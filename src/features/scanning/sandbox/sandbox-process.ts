/**
 * The program of the sandbox: the scanners that take files apart, in a process without rights to write, to start others or to see the environment, which the
 * hub ends when it takes too long or too much memory. Bytes are asked for over the channel; the process never sees a path.
 */
import { Buffer } from 'node:buffer'
import type { ByteSource } from '../byte-source.ts'
import { openYara, type Yara } from '../malware/scan-yara.ts'
import { reportPickles } from '../report-pickles.ts'
import type { ScanReport } from '../scanner.ts'
import { scanSecrets } from '../secrets/scan-secrets.ts'
import { scanStructure } from '../structure/scan-structure.ts'
import { askedBytes, type FromSandbox, type Sandboxed, type ToSandbox } from './protocol.ts'

let yara: Yara | null = null
let waiting: { id: number; resolve: (bytes: Uint8Array) => void; reject: (error: Error) => void } | null = null

process.on('disconnect', () => process.exit(0))
process.on('message', (message: ToSandbox) => {
  if (message.kind === 'scan') void perform(message.id, message.scanner, message.size)
  else if (waiting !== null && waiting.id === message.id) {
    const { resolve, reject } = waiting
    waiting = null
    if (message.kind === 'bytes') resolve(message.bytes)
    else reject(new Error(message.message))
  }
})

try {
  yara = await openYara()
  tell({ kind: 'ready', yara: yara.version, reason: null })
} catch (error) {
  tell({ kind: 'ready', yara: null, reason: wordsOf(error) })
}

async function perform(id: number, scanner: Sandboxed, size: number): Promise<void> {
  try {
    tell({ kind: 'done', id, report: await scan(scanner, sourceOf(id, size)) })
  } catch (error) {
    tell({ kind: 'failed', id, message: wordsOf(error) })
  }
}

async function scan(scanner: Sandboxed, source: ByteSource): Promise<ScanReport> {
  switch (scanner) {
    case 'pickle':
      return await reportPickles(source, new AbortController().signal)
    case 'structure':
      return await scanStructure(source)
    case 'secrets':
      return await scanSecrets(source)
    case 'yara':
      if (yara === null) throw new Error('YARA-X cannot work here')
      return await yara.scan(source)
  }
}

function sourceOf(id: number, size: number): ByteSource {
  return {
    size,
    async *read(from, to) {
      for (let at = from; at < Math.min(to, size); ) {
        const length = Math.min(askedBytes, Math.min(to, size) - at)
        const bytes = await ask(id, at, length)
        // The pieces of a source are small, so that whoever reads them may hold several.
        for (let piece = 0; piece < bytes.length; piece += pieceBytes) yield bytes.subarray(piece, piece + pieceBytes)
        if (bytes.length < length) return
        at += length
      }
    },
  }
}

const pieceBytes = 1 << 18

async function ask(id: number, from: number, length: number): Promise<Buffer> {
  if (waiting !== null) throw new Error('two reads at once')
  const answer = new Promise<Uint8Array>((resolve, reject) => {
    waiting = { id, resolve, reject }
  })
  tell({ kind: 'read', id, from, length })
  const bytes = await answer
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function tell(message: FromSandbox): void {
  process.send?.(message)
}

function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1_000)
}
