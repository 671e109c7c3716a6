/** A push over HTTP, from its first byte to its settlement. */
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type Push, type ReceivePackRequest, receivePack, type Verdict } from '../../platform/git/receive-pack.ts'
import { describeMove } from './describe-move.ts'
import type { CommitGate } from './gate.ts'
import { inOurWords } from './git-words.ts'
import { judgePush, pathsIn } from './judge.ts'
import { type OpenMove, openMoves, readOutcome, settleMoves } from './ref-move.ts'
import type { FoundToken } from './token-finder.ts'
import { leakError, trapTokens } from './trap-tokens.ts'
import { takeTurn } from './turns.ts'

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
    const judged = await judgePush(hub, repoId, push)
    if (judged.errors.length > 0) return refuse(judged.errors)
    const leaked = await leaksIn(hub, allowed, input.origin, push, judged.tokens)
    if (leaked.length > 0 && hub.config.leakedTokens === 'refuse') return refuse(leaked)
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
      lines: [...leaked.map(({ message, next }) => `Warning: ${message} ${next}`), ...passed.remarks],
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

async function leaksIn(
  hub: Hub,
  allowed: Allowed<'repo.push'>,
  origin: Origin,
  push: Push,
  tokens: readonly FoundToken[],
): Promise<HoldfastError[]> {
  if (tokens.length === 0) return []
  const repoId = allowed.resource.id
  const paths = await pathsIn(
    hub,
    repoId,
    push,
    tokens.map(({ place }) => place),
  )
  const placed = tokens.map((token) => ({ ...token, place: paths.get(token.place) || token.place }))
  return (await trapTokens(hub, allowed, origin, placed)).map(leakError)
}

function refuse(errors: readonly HoldfastError[]): Verdict {
  const lines = ['', 'This push was refused. Nothing was changed.']
  for (const error of errors) lines.push(`- ${error.message}${error.next === null ? '' : ` ${error.next}`}`)
  return { accept: false, lines: [...lines, ''] }
}
