/**
 * Push protection: what looks like a secret in a push or a commit through the API is told or refused before any ref moves. In the hub itself only a linear
 * search for marks runs; the few contents that have one are read in a sandbox of its own, so that the queue of scans never holds up a push.
 */
import { HoldfastError } from '../../../domain/errors.ts'
import type { Origin } from '../../../domain/event.ts'
import type { PushProtection } from '../../../domain/leak-policy.ts'
import { type Allowed, decide } from '../../../domain/policy.ts'
import type { Hub } from '../../../hub.ts'
import { recordEvent } from '../../audit/service.ts'
import {
  type ContentWatch,
  type Locate,
  leakPolicyOf,
  type Place,
  type PushJudgement,
  withoutOwnTokens,
} from '../../ingest/service.ts'
import { memorySource } from '../byte-source.ts'
import { Sandbox, usualLimits } from '../sandbox/sandbox.ts'
import type { FoundSecret } from './find-secrets.ts'
import { linesIn, mayHoldSecrets } from './marks.ts'

const oneContentMs = 10_000
const wholePushMs = 60_000
/** Contents are read together up to this size. */
const batchBytes = 1 << 20
/** Ends the last line of a content, so that no line belongs to two. */
const between = Buffer.from('\n\n')
/** So many are named; the rest is counted. */
const mostNamed = 10
const trailer = /^Secrets-Allowed:[ \t]*(\S.{2,})$/im
const longestReason = 300

const sandboxes = new WeakMap<Hub, Sandbox>()

function sandboxOf(hub: Hub): Sandbox {
  const sandbox = sandboxes.get(hub) ?? new Sandbox({ ...usualLimits, timeMs: oneContentMs })
  sandboxes.set(hub, sandbox)
  return sandbox
}

/** Ends the sandbox; a push that comes later starts another. */
export async function stopProtecting(hub: Hub): Promise<void> {
  const sandbox = sandboxes.get(hub)
  sandboxes.delete(hub)
  await sandbox?.close()
}

/** Null where neither the hub nor the organization wants it. */
export async function watchForSecrets(hub: Hub, allowed: Allowed<'repo.push'>): Promise<ContentWatch | null> {
  const { pushProtection } = await leakPolicyOf(hub, allowed.resource)
  return pushProtection === 'off' ? null : new SecretWatch(hub, allowed, pushProtection)
}

interface Waiting {
  readonly place: Place
  readonly bytes: Buffer
}

class SecretWatch implements ContentWatch {
  readonly #hub: Hub
  readonly #allowed: Allowed<'repo.push'>
  readonly #protection: Exclude<PushProtection, 'off'>
  readonly #found: (FoundSecret & { readonly place: Place })[] = []
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #count = 0
  #spentMs = 0
  /** Why not everything could be looked at. */
  #fault: string | null = null

  constructor(hub: Hub, allowed: Allowed<'repo.push'>, protection: Exclude<PushProtection, 'off'>) {
    this.#hub = hub
    this.#allowed = allowed
    this.#protection = protection
  }

  async look(place: Place, bytes: Buffer): Promise<void> {
    if (this.#fault !== null || !mayHoldSecrets(bytes.toString('latin1'))) return
    // The leak trap has those, and a dead one holds up nothing.
    const rest = withoutOwnTokens(this.#hub.keys, bytes)
    this.#waiting.push({ place, bytes: rest === bytes ? Buffer.from(bytes) : rest })
    this.#waitingBytes += rest.length
    if (this.#waitingBytes >= batchBytes) await this.#read()
  }

  /** Reads what waits, in one: a small content costs the way to the sandbox more than the search does. */
  async #read(): Promise<void> {
    const batch = this.#waiting
    if (batch.length === 0) return
    this.#waiting = []
    this.#waitingBytes = 0
    const startedAt = performance.now()
    try {
      const signal = new AbortController().signal
      const joined = Buffer.concat(batch.flatMap(({ bytes }) => [bytes, between]))
      const { secrets = [] } = await sandboxOf(this.#hub).run('secrets', memorySource(joined), signal)
      this.#count += secrets.length
      this.#note(batch, secrets)
    } catch (error) {
      this.#hub.log.warn({ err: error, repo: this.#allowed.resource.id }, 'A push could not be searched for secrets')
      this.#fault = 'a file could not be read for secrets.'
    }
    this.#spentMs += performance.now() - startedAt
    if (this.#spentMs > wholePushMs) this.#fault ??= 'it holds too much that looks like secrets.'
  }

  /** By its line each secret belongs to one of the contents that were read as one. */
  #note(batch: readonly Waiting[], secrets: readonly FoundSecret[]): void {
    let before = 0
    let next = 0
    for (const { place, bytes } of batch) {
      const lines = linesIn(bytes) + linesIn(between)
      for (let one = secrets[next]; one !== undefined && one.line <= before + lines; one = secrets[++next]) {
        if (this.#found.length < mostNamed) this.#found.push({ ...one, line: one.line - before, place })
      }
      before += lines
    }
  }

  async conclude(origin: Origin, messages: () => Promise<readonly string[]>, locate: Locate): Promise<PushJudgement> {
    await this.#read()
    if (this.#count === 0 && this.#fault === null) return nothing
    const owner = this.#allowed.resource.owner.name
    const told = await this.#inWords(locate)
    const reason = reasonIn(await messages())
    const isLetThrough = reason !== null && mayAllow(this.#allowed)
    if (isLetThrough) {
      await this.#recordAllowed(origin, reason, told)
      return { errors: [], remarks: [`Push protection of ${owner} lets this pass: ${reason}`] }
    }
    if (this.#protection === 'warn') {
      const lines = [...told, ...(this.#fault === null ? [] : [`Not everything was looked at: ${this.#fault}`])]
      const remarks = ['', 'Warning: this looks like secrets. Make new ones if they are.', ...lines, '']
      return { errors: [], remarks }
    }
    if (this.#count === 0) {
      return { errors: [new HoldfastError('secrets_not_judged', { owner, reason: this.#fault ?? '' })], remarks: [] }
    }
    return { errors: [new HoldfastError('secrets_in_push', { owner, found: told.join('; ') })], remarks: [] }
  }

  async #inWords(locate: Locate): Promise<string[]> {
    const spots = await locate(this.#found.map(({ place }) => place))
    const named = this.#found.map(({ kind, line, masked }, index) => {
      const value = masked === '' ? '' : ` (${masked})`
      return `${kind}${value} in ${spots[index]?.words ?? 'a file'}, line ${line}`
    })
    return this.#count > named.length ? [...named, `and ${this.#count - named.length} more`] : named
  }

  async #recordAllowed(origin: Origin, reason: string, places: readonly string[]): Promise<void> {
    const { id, kind, owner, name } = this.#allowed.resource
    await this.#hub.transaction((tx) =>
      recordEvent(this.#hub, tx, this.#allowed, origin, {
        action: 'repo.allow_secrets',
        resource: { kind, id, name: `${owner.name}/${name}` },
        ownerId: owner.id,
        data: { reason, count: this.#count, places },
      }),
    )
  }
}

const nothing: PushJudgement = { errors: [], remarks: [] }

/** Each ref that moves must say so itself; null where one does not. */
function reasonIn(messages: readonly string[]): string | null {
  const reasons = messages.map((message) => trailer.exec(message)?.[1]?.trim() ?? null)
  const [first = null] = reasons
  if (first === null || reasons.includes(null)) return null
  return first.replace(/[\p{C}\u202a-\u202e\u2066-\u2069]/gu, '?').slice(0, longestReason)
}

/** By the same facts that let the push in. */
function mayAllow({ principal, credential, standing, resource: repo }: Allowed<'repo.push'>): boolean {
  return decide('repo.allow_secrets', {
    principal,
    credential,
    standing,
    resource: { on: 'repo', kind: repo.kind, repo },
  }).allow
}
