/** What somebody looks for in the audit log: read from the query of the API, from the Hub's `q`, and from the form of the page. */
import { z } from 'zod'
import { HoldfastError } from '../../domain/errors.ts'
import { isId } from '../../domain/ids.ts'

/** One owner's events. Null: whatever it is. */
export interface EventFilter {
  readonly ownerId: string
  /** `repo.create`, or all below a scope: `repo.` for `repo.*`. */
  readonly action: { readonly is: string } | { readonly startsWith: string } | null
  /** As a person wrote it: a name in any case, or an id. */
  readonly actor: { readonly name: string } | { readonly id: string } | null
  readonly ip: string | null
  /** Milliseconds: at this moment or later. */
  readonly from: number | null
  /** Milliseconds: before this moment. */
  readonly before: number | null
}

const word = z.string().trim().max(200).default('')

/** Empty fields are what a form sends for "all". */
export const filterQuery = z.object({
  event: word,
  actor: word,
  ip: word,
  from: word,
  to: word,
  q: z.string().max(500).default(''),
})
export type FilterQuery = z.output<typeof filterQuery>

export const mostPerPage = 1000
export const listQuery = filterQuery.extend({
  limit: z.coerce.number().int().min(1).max(mostPerPage).default(100),
  /** The id of the last entry that was seen. */
  cursor: z.string().max(24).optional(),
})

/** Throws `bad_request` for what is no event, no time, or not of the syntax of `q`. */
export function readFilter(ownerId: string, asked: FilterQuery): EventFilter {
  const words = { ...asked }
  for (const [name, value] of readSearch(asked.q)) {
    if (words[name] !== '' && words[name] !== value) refuse(`"${name}" is asked for twice, with different values.`)
    words[name] = value
  }
  return {
    ownerId,
    action: readAction(words.event),
    actor: readActor(words.actor),
    ip: words.ip === '' ? null : words.ip.toLowerCase(),
    from: words.from === '' ? null : readTime('from', words.from).at,
    before: words.to === '' ? null : readEnd(words.to),
  }
}

/** Throws `bad_request` for what no page of this log gave out. */
export function readCursor(cursor: string | undefined): string | null {
  if (cursor === undefined || cursor === '') return null
  if (!isId(cursor)) refuse('This cursor is not one of ours.')
  return cursor
}

/** What was asked for: the filters that are not empty. */
export function given<T extends string | number>(asked: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ''))
}

const searchFields: Readonly<Record<string, 'event' | 'actor' | 'ip'>> = { type: 'event', author: 'actor', ip: 'ip' }

/** The Hub's `author:ada ip:127.0.0.1 type:repo.create`; a value with spaces stands in quotes. */
function* readSearch(q: string): Generator<['event' | 'actor' | 'ip', string]> {
  const parts = /\s*(?:(\w+):(?:"([^"]*)"|(\S+))|(\S+))/gy
  for (const [, key, quoted, plain, stray] of q.trimEnd().matchAll(parts)) {
    const field = Object.hasOwn(searchFields, key ?? '') ? searchFields[key ?? ''] : undefined
    if (field === undefined) {
      refuse(`"q" understands author:NAME, ip:ADDRESS and type:EVENT, not "${(key ?? stray ?? '').slice(0, 50)}".`)
    }
    yield [field, (quoted ?? plain ?? '').trim()]
  }
}

function readAction(event: string): EventFilter['action'] {
  if (event === '' || event === '*') return null
  if (!/^[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?$/i.test(event)) {
    refuse(`"${event.slice(0, 50)}" is no event. Write repo.create for one, repo.* for all of a scope.`, 'event')
  }
  return event.endsWith('.*') ? { startsWith: event.slice(0, -1) } : { is: event }
}

/** `sa-` and an id is the user name of a service account. */
function readActor(actor: string): EventFilter['actor'] {
  if (actor === '') return null
  const id = actor.replace(/^sa-/, '')
  return isId(id) ? { id } : { name: actor }
}

const dayMs = 86_400_000

/** A day, or a moment with its zone. */
function readTime(field: string, text: string): { readonly at: number; readonly isDay: boolean } {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text)
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/i.test(text)
  const at = isDay || isMoment ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at))
    refuse(`"${field}" takes a day (2026-11-22) or a moment (2026-11-22T14:02:31Z), in UTC or with its zone.`, field)
  return { at, isDay }
}

/** A day counts to its end. */
function readEnd(text: string): number {
  const { at, isDay } = readTime('to', text)
  return isDay ? at + dayMs : at
}

/** `field`: where on the page the message belongs. */
function refuse(reason: string, field?: string): never {
  throw new HoldfastError('bad_request', { reason, ...(field === undefined ? {} : { field }) })
}
