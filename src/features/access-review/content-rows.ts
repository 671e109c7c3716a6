/**
 * The rows of what is judged after the decision, on the content itself: whether a file is there and handed out, how much a token may still take,
 * whether a push must be signed. Looked at only for who is let through to it, by the same functions as a request.
 */
import { HoldfastError, orRefusal } from '../../domain/errors.ts'
import type { JudgedRow } from '../../domain/explain-limits.ts'
import type { Credential, Facts } from '../../domain/facts.ts'
import { type Allowed, authorize, decide } from '../../domain/policy.ts'
import { contentOf } from '../../domain/quarantine.ts'
import { tooMuch } from '../../domain/token-limits.ts'
import type { Hub } from '../../hub.ts'
import { bytesLeft, refuseUncounted } from '../downloads/service.ts'
import { getFile, getRevision } from '../files/service.ts'
import { explainSigning } from '../signatures/service.ts'
import { gitHold, refuseHeld } from '../storage/service.ts'
import type { Question } from './question.ts'

/** `showsBytes`: whether what the token took today is told to who asks. */
export async function contentRows(
  hub: Hub,
  question: Question,
  facts: Facts,
  showsBytes: boolean,
): Promise<JudgedRow[]> {
  const { action } = question
  if (!decide(action, facts).allow) return []
  if (action === 'repo.content.read') {
    const allowed = authorize(action, facts)
    return question.path === null
      ? await asAWhole(hub, allowed, facts.credential)
      : await ofFile(hub, allowed, { ...question, path: question.path, showsBytes })
  }
  if (action !== 'repo.push') return []
  const signing = await explainSigning(hub, authorize(action, facts), question.commits)
  return signing === null ? [] : [{ check: 'signing', ...signing }]
}

/** A clone. */
async function asAWhole(
  hub: Hub,
  { resource }: Allowed<'repo.content.read'>,
  credential: Credential | null,
): Promise<JudgedRow[]> {
  const rows: JudgedRow[] = []
  if (credential?.kind === 'token' && credential.limits.bytesPerDay !== null) {
    const fault = await faultOf(() => refuseUncounted(credential))
    rows.push({ check: 'by_git', fault, need: 'a token without a limit of bytes', have: 'one with' })
  }
  const reason = resource.headCommit === null ? null : await gitHold(hub, resource)
  const denied = { code: 'content_held', have: reason ?? '' } as const
  const fault = reason === null ? null : new HoldfastError('content_held', {}, { denied })
  return [...rows, { check: 'held', fault, need: 'a history that is handed out', have: reason ?? 'nothing is held' }]
}

async function ofFile(
  hub: Hub,
  allowed: Allowed<'repo.content.read'>,
  asked: { readonly path: string; readonly revision: string | null; readonly showsBytes: boolean },
): Promise<JudgedRow[]> {
  const need = 'content that is handed out'
  const found = await orRefusal(async () => {
    const { commit } = await getRevision(hub, allowed, asked.revision ?? 'main')
    return { commit, entry: await getFile(hub, allowed, commit, asked.path) }
  })
  if (found instanceof HoldfastError) return [{ check: 'file', fault: found, need: null, have: null }]
  const { commit, entry } = found
  const rows: JudgedRow[] = [{ check: 'file', fault: null, need: null, have: `${entry.size} bytes` }]
  const hold = await faultOf(() => refuseHeld(hub, allowed.resource, contentOf(entry), commit))
  rows.push({ check: 'held', fault: hold, need, have: hold === null ? 'it is not held' : hold.message })
  const left = asked.showsBytes ? bytesLeft(hub, allowed.credential) : null
  if (left !== null) {
    const fault = tooMuch(entry.size, left)
    rows.push({ check: 'bytes', fault, need: `${entry.size} bytes`, have: `${Math.max(0, left)} left` })
  }
  return rows
}

async function faultOf(look: () => void | Promise<void>): Promise<HoldfastError | null> {
  // What a request would be refused with is an answer here; what goes wrong is not.
  const outcome = await orRefusal(look)
  return outcome instanceof HoldfastError ? outcome : null
}
