/** A push over HTTP, from its first byte to its settlement. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type Push, type ReceivePackRequest, receivePack, type Verdict } from '../../platform/git/receive-pack.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { describeMove } from './describe-move.ts'
import type { CommitGate } from './gate.ts'
import { inOurWords } from './git-words.ts'
import { judgePush } from './judge.ts'
import { leakPolicyOf } from './leak-policy.ts'
import { locateIn } from './places.ts'
import { type OpenMove, openMoves, readOutcome, settleMoves } from './ref-move.ts'
import { trapTokens } from './trap-tokens.ts'
import { takeTurn } from './turns.ts'

const messageLimit = 16 * 1024 * 1024

export interface PushInput
  extends Pick<ReceivePackRequest, 'request' | 'encoding' | 'protocol' | 'response' | 'signal'> {
  readonly origin: Origin
  readonly gate: CommitGate
  /** Decides again, after the body was streamed and judged. */
  reauthorize(): Promise<Allowed<'repo.push'>>
}

/**
 * Answers `POST git-receive-pack` and ends the response. What the judge refuses is told to the client as `remote: ...`
 * and is no error here. Throws `body_too_large`, `unsupported_media_type` and `busy` before anything was answered.
 */
export async function acceptPush(hub: Hub, allowed: Allowed<'repo.push'>, input: PushInput): Promise<void> {
  const repoId = allowed.resource.id
  let opened: OpenMove[] = []
  let largeFiles: string[] = []
  let endTurn: () => void = () => undefined

  const judge = async (push: Push): Promise<Verdict> => {
    const watch = await input.gate.watch(hub, allowed)
    const judged = await judgePush(hub, repoId, push, watch)
    if (judged.errors.length > 0) return refuse(judged.errors)
    const locate = locateIn(hub, repoId, push)
    const refusesLeaks =
      judged.tokens.length > 0 && (await leakPolicyOf(hub, allowed.resource)).leakedTokens === 'refuse'
    const outcome = refusesLeaks ? 'refused' : 'recorded'
    const leaked = await trapTokens(hub, allowed, input.origin, judged.tokens, outcome, locate)
    if (refusesLeaks && leaked.length > 0) return refuse(leaked)
    const watched = await watch?.conclude(input.origin, () => newestMessages(push), locate)
    if (watched !== undefined && watched.errors.length > 0) return refuse(watched.errors)
    const passed = await input.gate.judgePush(hub, allowed, input.origin, push)
    if (passed.errors.length > 0) return refuse(passed.errors)
    let current: Allowed<'repo.push'>
    try {
      current = await input.reauthorize()
    } catch (error) {
      if (error instanceof HoldfastError) return refuse([error])
      throw error
    }
    largeFiles = judged.largeFiles
    endTurn = await takeTurn(repoId)
    opened = await openMoves(hub, repoId, push.moves, (move) =>
      describeMove(hub, current, input.origin, move, { via: 'git' }),
    )
    return {
      accept: true,
      lines: [
        ...leaked.map(({ message, next }) => `Warning: ${message} ${next}`),
        ...(watched?.remarks ?? []),
        ...passed.remarks,
      ],
    }
  }

  const settle = async (): Promise<void> => {
    await settleMoves(hub, repoId, await readOutcome(hub, repoId, opened), largeFiles)
  }

  try {
    await receivePack(hub.git, repoId, { ...input, requestLimit: hub.config.maxPush, judge, settle })
  } catch (error) {
    throw inOurWords(error)
  } finally {
    endTurn()
  }
}

/** Of the commits or tags that refs move to. */
async function newestMessages(push: Push): Promise<string[]> {
  const tips = [...new Set(push.moves.map((move) => move.newOid))].filter((oid) => oid !== zeroOid)
  const messages: string[] = []
  const asked = (async function* () {
    yield tips
  })()
  for await (const batch of push.quarantine.contents(asked, messageLimit)) {
    for (const { bytes } of batch) messages.push(bytes.toString('utf8').split('\n\n').slice(1).join('\n\n'))
  }
  return messages
}

function refuse(errors: readonly HoldfastError[]): Verdict {
  const lines = ['', 'This push was refused. Nothing was changed.']
  for (const error of errors) lines.push(`- ${error.message}${error.next === null ? '' : ` ${error.next}`}`)
  return { accept: false, lines: [...lines, ''] }
}
