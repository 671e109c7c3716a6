/** Everybody whom a change of named repos may concern, with what they hold: read and told apart in the thread that compares. */
import type { Lists } from '../../platform/db/database.ts'
import type { Judged } from './compare.ts'
import { type LoadWhat, subjectLoader } from './load-subjects.ts'
import { idsOnRepos, memberIds } from './queries.ts'
import { loadedAhead, slicesOf } from './slices.ts'
import { idOf, noHoldings, type Subject, type SubjectToken } from './subject.ts'
import type { Thing } from './things.ts'
import type { RepoPair, RepoWork } from './work.ts'

export async function* judgedOnRepos(db: Lists, work: RepoWork): AsyncGenerator<readonly Judged[]> {
  const { owner, pairs, isAdministrator, now } = work
  const what: LoadWhat = {
    ownerId: owner.id,
    now,
    withTokens: isAdministrator && owner.kind === 'organization',
    within: [...new Set(pairs.flatMap(({ before, after }) => [before.workspaceId ?? '', after.workspaceId ?? '']))],
    withRequests: isAdministrator,
  }
  const things = pairs.map((pair): Thing => ({ on: 'repo', ...pair }))
  const judged = (subject: Subject): Judged => ({
    subject,
    after: subject.held,
    areThingsSame: false,
    shapeOf: (token) => pairs.map((pair) => shapeOn(subject, token, pair)).join(' / '),
    things: () => things,
  })
  yield [judged({ principal: { kind: 'anonymous' }, held: noHoldings, access: new Map(), tokens: [] })]
  if (!work.isTold) return
  const load = subjectLoader(db, what)
  if (owner.kind === 'organization') {
    for await (const subjects of loadedAhead(
      slicesOf((last) => memberIds(db, owner.id, last, now)),
      load,
    ))
      yield subjects.map(judged)
  }
  if (!isAdministrator) return
  const ids = pairs.map(({ before }) => before.id)
  for await (const subjects of loadedAhead(
    slicesOf((last) => idsOnRepos(db, ids, last)),
    load,
  )) {
    const others = subjects.filter(({ held }) => held.organization === null)
    yield others.map((subject) => judged({ ...subject, tokens: [] }))
  }
}

/** All that a decision about this repo, before or after, asks of who they are; what the owner asks for apart. */
function shapeOn(subject: Subject, token: SubjectToken | null, { before, after }: RepoPair): string {
  const { held, access } = subject
  const id = idOf(subject)
  const roleIn = (workspace: string | null) => (workspace === null ? null : (held.workspaces.get(workspace) ?? null))
  const listed = (entity: string | null) => (entity === null ? undefined : token?.listed.get(entity)?.join())
  return [
    held.organization,
    roleIn(before.workspaceId),
    roleIn(after.workspaceId),
    held.repos.get(before.id) ?? null,
    access.get(before.id)?.status,
    id === before.creatorId,
    id === before.owner.id,
    listed(before.owner.id),
    listed(before.workspaceId),
    listed(after.workspaceId),
    listed(before.id),
  ].join(' ')
}
