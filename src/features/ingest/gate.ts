/** What features above ingest say about a change before a ref moves. They are handed in by features/index.ts, through the routes. */
import type { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import type { Push } from '../../platform/git/receive-pack.ts'
import type { Locate, Place } from './places.ts'

export interface PushJudgement {
  /** Any of them refuses the whole push. */
  readonly errors: readonly HoldfastError[]
  /** Lines for whoever pushes what is accepted. */
  readonly remarks: readonly string[]
}

/** Sees each new content of a change as it streams by, up to 1 MiB long. */
export interface ContentWatch {
  /** `bytes` are good until it returns. */
  look(place: Place, bytes: Buffer): Promise<void>
  /** After everything has streamed by. `messages`: of the newest commits of the change. */
  conclude(origin: Origin, messages: () => Promise<readonly string[]>, locate: Locate): Promise<PushJudgement>
}

export interface CommitGate {
  /** Judges a push that lies in quarantine. */
  judgePush(hub: Hub, allowed: Allowed<'repo.push'>, origin: Origin, push: Push): Promise<PushJudgement>
  /** Before the hub makes a commit for somebody, through the API or the website. Throws the refusal. */
  mayCommit(hub: Hub, allowed: Allowed<'repo.push'>): Promise<void>
  /** Before a branch or tag is made at a commit that lies in the repo, perhaps without a ref that leads to it. Throws the refusal. */
  mayPoint(hub: Hub, allowed: Allowed<'repo.push'>, origin: Origin, commit: string): Promise<void>
  /** For a push or a commit through the API; null where nobody wants to see contents. */
  watch(hub: Hub, allowed: Allowed<'repo.push'>): Promise<ContentWatch | null>
}
