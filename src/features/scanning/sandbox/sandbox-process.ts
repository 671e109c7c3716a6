/**
 * The program of the sandbox: the scanners that take files apart, in a process without rights to write, to start others or to see the environment, which the
 * hub ends when it takes too long or too much memory. Bytes are asked for and come through a pipe; the process never sees a path.
 */
import { Buffer } from 'node:buffer'
import { readSync } from 'node:fs'
import type { ByteSource } from '../byte-source.ts'
import { openYara, type Yara } from '../malware/scan-yara.ts'
import { reportPickles } from '../report-pickles.ts'
import type { ScanReport } from '../scanner.ts'
import { scanSecrets } from '../secrets/scan-secrets.ts'
import { scanStructure } from '../structure/scan-structure.ts'
import { askedBytes, bytesDescriptor, type FromSandbox, type Sandboxed, type ToSandbox } from './protocol.ts'

let yara: Yara | null = null
let waiting: { id: number; resolve: (length: number) => void; reject: (error: Error) => void } | null = null

process.on('disconnect', () => process.exit(0))
process.on('message', (message: ToSandbox) => {
  if (message.kind === 'scan') void perform(message.id, message.scanner, message.size)
  else if (waiting !== null && waiting.id === message.id) {
    const { resolve, reject } = waiting
    waiting = null
    if (message.kind === 'bytes') resolve(message.length)
    else reject(new Error(message.message))
  }
  // What nobody waits for would be taken for the next answer.
  else if (message.kind === 'bytes') process.exit(1)
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
      const end = Math.min(to, size)
      // One for each read: others may begin before this one has seen all its pieces.
      const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(askedBytes, end - from)))
      for (let at = from; at < end; ) {
        const length = Math.min(buffer.length, end - at)
        const filled = await ask(id, at, length)
        receive(buffer, filled)
        for (let piece = 0; piece < filled; piece += pieceBytes)
          yield buffer.subarray(piece, Math.min(piece + pieceBytes, filled))
        // What was not read must not count as clean.
        if (filled < length) throw new Error(`only ${at + filled} of ${size} bytes could be read`)
        at += length
      }
    },
  }
}

const pieceBytes = 1 << 18

/** Gives how many bytes are in the pipe now. */
async function ask(id: number, from: number, length: number): Promise<number> {
  if (waiting !== null) throw new Error('two reads at once')
  const answer = new Promise<number>((resolve, reject) => {
    waiting = { id, resolve, reject }
  })
  tell({ kind: 'read', id, from, length })
  return await answer
}

/** There is nothing else to do in this process meanwhile. */
function receive(buffer: Buffer, length: number): void {
  for (let filled = 0; filled < length; ) {
    const read = readSync(bytesDescriptor, buffer, filled, length - filled, null)
    if (read === 0) throw new Error('the hub is gone')
    filled += read
  }
}

function tell(message: FromSandbox): void {
  process.send?.(message)
}

function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1_000)
}
