/** Reads and draws files in a process of its own: one job at a time, whose bytes it asks the hub for. It opens no file and no address itself. */
import { csvTable } from './csv.ts'
import { ggufHeader } from './gguf.ts'
import { codeRows } from './highlight.ts'
import { type Format, type FromWorker, type Job, mostAtOnce, type ToWorker } from './job.ts'
import { jsonLinesTable, jsonTable } from './json.ts'
import { limits } from './limits.ts'
import { notebook } from './notebook.ts'
import { parquetTable } from './parquet.ts'
import { safetensorsHeader } from './safetensors.ts'
import { NotShown, type Shown, type Source } from './shown.ts'

let deliver: ((bytes: Uint8Array) => void) | null = null

function say(message: FromWorker): void {
  process.send?.(message)
}

class AskedSource implements Source {
  readonly size: number
  taken = 0
  #isOver = false
  #before: Promise<unknown> = Promise.resolve()

  constructor(size: number) {
    this.size = size
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    const end = Math.min(to, this.size)
    if (!(Number.isSafeInteger(from) && from >= 0 && from <= end))
      throw new NotShown('The file says that a part of it lies beyond its end: it is cut or broken.')
    this.taken += end - from
    if (this.taken > limits.read)
      throw new NotShown(`To show this, more than ${limits.read >> 20} MiB of the file would have to be read.`)
    const whole = new Uint8Array(end - from)
    for (let at = from; at < end; ) {
      const bytes = await this.#ask(at, Math.min(end, at + mostAtOnce))
      whole.set(bytes, at - from)
      if (bytes.length === 0) throw new NotShown('The file ends before its size says.')
      at += bytes.length
    }
    return whole
  }

  /** What still waits to be read is not asked for: the next job's answers would be taken for its own. */
  end(): void {
    this.#isOver = true
  }

  /** One after the other: formats ask for several ranges at once, and an answer does not say which it is for. */
  #ask(from: number, to: number): Promise<Uint8Array> {
    const answer = this.#before.then(
      () =>
        new Promise<Uint8Array>((resolve) => {
          if (this.#isOver) return
          deliver = resolve
          say({ say: 'read', from, to })
        }),
    )
    this.#before = answer
    return answer
  }
}

const readers: Readonly<Record<Format, (source: Source, from: number) => Promise<Shown>>> = {
  csv: (source, from) => csvTable(source, from, null),
  tsv: (source, from) => csvTable(source, from, '\t'),
  json: jsonTable,
  jsonl: jsonLinesTable,
  parquet: parquetTable,
  safetensors: safetensorsHeader,
  gguf: ggufHeader,
  notebook,
}

async function work(job: Job): Promise<void> {
  if (job.do === 'highlight') {
    say({ say: 'shown', shown: { kind: 'code', bodyHtml: codeRows(job.text, job.language) }, read: 0 })
    return
  }
  const source = new AskedSource(job.size)
  try {
    const shown = await readers[job.format](source, job.from)
    source.end()
    say({ say: 'shown', shown, read: source.taken })
  } catch (error) {
    source.end()
    // Out of stack or of room for one value: the file is at fault. Any other fault is ours and ends the worker.
    if (error instanceof NotShown) say({ say: 'not shown', why: error.message, read: source.taken })
    else if (error instanceof RangeError)
      say({
        say: 'not shown',
        why: 'This file is nested too deeply or has values too large to be shown.',
        read: source.taken,
      })
    else throw error
  }
}

process.on('message', (message: ToWorker) => {
  if ('bytes' in message) deliver?.(Buffer.from(message.bytes, 'base64'))
  else void work(message.job)
})
// Nobody is left to show anything to.
process.on('disconnect', () => process.exit())
process.send?.({ say: 'ready' })
