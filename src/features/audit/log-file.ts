/**
 * The sealed log as a file of JSON lines that can be checked where the hub is not: a first line that says what it is, then each seal, its
 * events and its checkpoint, then a last line, so that a file that was cut is recognized. Read and written line by line.
 */
import { createReadStream } from 'node:fs'
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import type { AuditCheckpointTable } from '../../platform/db/schema.ts'
import type { LogItem } from './chain-check.ts'
import { checkpointShape } from './remembered.ts'
import { canonicalEvent } from './seal-format.ts'

const header = z.object({
  type: z.literal('holdfast-audit'),
  format: z.literal(1),
  exportedAt: z.string(),
  /** Where it begins: after this checkpoint. */
  anchor: checkpointShape.nullable(),
  publicKeys: z.array(z.string()),
})
const line = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('seal'),
    number: z.number(),
    sealedAt: z.number(),
    total: z.number(),
    previous: z.string(),
    hash: z.string(),
  }),
  z.object({
    type: z.literal('event'),
    seal: z.number(),
    position: z.number(),
    hash: z.string(),
    id: z.string(),
    event: z.record(z.string(), z.unknown()).nullable(),
  }),
  z.object({ type: z.literal('checkpoint'), ...checkpointShape.shape }),
  z.object({ type: z.literal('end'), lines: z.number(), unsealed: z.number() }),
])

export type LogHeader = Omit<z.infer<typeof header>, 'type' | 'format'>

export function formatHeader(facts: LogHeader): string {
  return JSON.stringify({ type: 'holdfast-audit', format: 1, ...facts })
}

export function formatItem(item: LogItem): string {
  if (item.type === 'seal') return JSON.stringify({ type: 'seal', ...item.seal })
  if (item.type === 'checkpoint') return JSON.stringify({ type: 'checkpoint', ...item.checkpoint })
  const { seal, position, hash, eventId, event } = item.entry
  const start = JSON.stringify({ type: 'event', seal, position, hash, id: eventId })
  // The very text that is hashed.
  return `${start.slice(0, -1)},"event":${event ?? 'null'}}`
}

/** `lines` between the first one and this. */
export function formatEnd(lines: number, unsealed: number): string {
  return JSON.stringify({ type: 'end', lines, unsealed })
}

export interface LogFile {
  readonly anchor: AuditCheckpointTable | null
  readonly exportedAt: string
  items(): AsyncGenerator<LogItem>
  /** After the last item: whether the file has its end. */
  isComplete(): boolean
}

/** Throws `invalid_input` for a file that is no export, here or while its items are read. */
export async function openLogFile(path: string): Promise<LogFile> {
  const lines = readLines(path)
  const first = header.safeParse(parse((await lines.next()).value ?? '', 1))
  if (!first.success) throw fault('It is not an audit log that "holdfast audit export" wrote, or of a newer Holdfast.')
  let isComplete = false
  return {
    anchor: first.data.anchor,
    exportedAt: first.data.exportedAt,
    isComplete: () => isComplete,
    async *items() {
      let count = 0
      for await (const text of lines) {
        const item = line.safeParse(parse(text, count + 2))
        if (!item.success || isComplete) throw fault(`Line ${count + 2} is not one of an audit log.`)
        if (item.data.type === 'end') {
          if (item.data.lines !== count) throw fault(`It has ${count} lines and should have ${item.data.lines}.`)
          isComplete = true
        } else {
          yield itemOf(item.data)
          count++
        }
      }
    },
  }
}

function itemOf(data: Exclude<z.infer<typeof line>, { type: 'end' }>): LogItem {
  if (data.type === 'checkpoint') {
    const { type, ...checkpoint } = data
    return { type, checkpoint }
  }
  if (data.type === 'seal') {
    const { type, ...seal } = data
    return { type, seal }
  }
  const { seal, position, hash, id, event } = data
  // An event under another's id is not the event that was sealed.
  const text = event === null ? null : event.id === id ? canonicalEvent(event) : ''
  return { type: 'entry', entry: { seal, position, hash, eventId: id, event: text } }
}

function parse(text: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw fault(`Line ${number} is not JSON.`)
  }
}

function fault(reason: string): HoldfastError {
  return new HoldfastError('invalid_input', { reason })
}

/** No event is longer: what a request may say of itself is bounded. */
const lineLimit = 16 << 20

async function* readLines(path: string): AsyncGenerator<string, undefined> {
  let rest = ''
  for await (const chunk of createReadStream(path, {
    encoding: 'utf8',
    highWaterMark: 1 << 18,
  }) as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
    if (rest.length > lineLimit) throw fault('It has a line without an end.')
  }
  if (rest !== '') yield rest
}
