/**
 * Pickle admission: whether an organization's own list names all that the pickles in a content import beyond the lists of frameworks. What they import is known
 * by content; whether that is admitted is decided when it is read, so that a change of the list holds at once. No list admits what is dangerous.
 */
import { z } from 'zod'
import type { RepoFacts } from '../../domain/facts.ts'
import { type ImportList, parseImportList } from '../../domain/import-list.ts'
import type { Hub } from '../../hub.ts'
import type { ImportSetTable } from '../../platform/db/schema.ts'
import {
  selectAllowList,
  selectImportSets,
  selectImportSetsOf,
  selectImportSetsOfRepo,
  selectPolicy,
} from './quarantine-queries.ts'

/** Sets of one repo that are looked at when it is cloned; with more it is held. Contents that import the same share a set. */
const mostSets = 2_000
/** Sets whose verdict is remembered for one list, and lists; sets that are read at once. */
const mostRemembered = 2_000
const mostLists = 20
const atOnce = 100

export interface Admission {
  /** Not admitted content is shown as such, or nobody gets it. */
  readonly policy: 'flag' | 'refuse'
  readonly isAdmitted: boolean
  /** `module.name` of what the list lacks, some of them. */
  readonly missing: readonly string[]
  readonly barred: ImportSetTable['barred']
}

const importsShape = z.array(z.tuple([z.string(), z.string()]))
const mostNamed = 10

/** By content; those that import nothing to be admitted are not in it. Empty where the owner of the repo has no such policy. */
export async function admissionsOf(
  hub: Hub,
  { owner }: Pick<RepoFacts, 'owner'>,
  contents: readonly string[],
): Promise<ReadonlyMap<string, Admission>> {
  const policy = owner.kind === 'organization' ? await selectPolicy(hub.db, owner.id, null) : null
  if (policy === null || policy.pickleAdmission === 'off' || contents.length === 0) return new Map()
  const rows = await selectImportSetsOf(hub.db, [...new Set(contents)])
  const answers = await judgeSets(hub, owner.id, policy.pickleAdmission, [
    ...new Set(rows.map(({ importSet }) => importSet)),
  ])
  return new Map(
    rows.flatMap(({ content, importSet }) => {
      const answer = answers.get(importSet)
      return answer === undefined ? [] : [[content, answer] as const]
    }),
  )
}

/** By the id of the set. A set that is not there is not admitted. */
export async function judgeSets(
  hub: Hub,
  organizationId: string,
  policy: 'flag' | 'refuse',
  ids: readonly string[],
): Promise<ReadonlyMap<string, Admission>> {
  const answers = new Map<string, Admission>()
  if (ids.length === 0) return answers
  const { list, known } = listOf(await selectAllowList(hub.db, organizationId))
  // What is remembered is read before anything is waited for: others forget it meanwhile.
  const unknown: string[] = []
  for (const id of ids) {
    const verdict = known.get(id)
    if (verdict === undefined) unknown.push(id)
    else answers.set(id, { policy, ...verdict })
  }
  for (let at = 0; at < unknown.length; at += atOnce) {
    const some = unknown.slice(at, at + atOnce)
    const sets = new Map((await selectImportSets(hub.db, some)).map((set) => [set.id, judgeSet(list, set)]))
    for (const id of some) answers.set(id, { policy, ...(sets.get(id) ?? notThere) })
    if (known.size + sets.size > mostRemembered) known.clear()
    for (const [id, verdict] of sets) known.set(id, verdict)
  }
  return answers
}

/** A content of a repo that is refused, first found since a time; null where there is none. `prefix` is of the contents' names. */
export async function findRefused(
  hub: Hub,
  repo: Pick<RepoFacts, 'id' | 'owner'>,
  prefix: string,
  since: number,
): Promise<{ content: string; admission: Admission } | null> {
  const found = await selectImportSetsOfRepo(hub.db, repo.id, prefix, since, mostSets + 1)
  const answers = await judgeSets(
    hub,
    repo.owner.id,
    'refuse',
    found.slice(0, mostSets).map(({ importSet }) => importSet),
  )
  for (const [index, { importSet, content }] of found.entries()) {
    const admission = answers.get(importSet)
    if (index >= mostSets)
      return { content, admission: { policy: 'refuse', isAdmitted: false, missing: [], barred: 'many' } }
    if (admission !== undefined && !admission.isAdmitted) return { content, admission }
  }
  return null
}

/** Why it is not admitted, as the end of a sentence. */
export function reasonOf({ missing, barred }: Admission): string {
  switch (barred) {
    case 'dangerous':
      return 'its pickles do what no list can admit'
    case 'partly':
      return 'not all of it could be read'
    case 'many':
      return 'it imports more than is looked at'
    case null:
      return `its pickles import ${missing.slice(0, mostNamed).join(', ')}${missing.length > mostNamed ? ' and more' : ''}`
  }
}

type Verdict = Pick<Admission, 'isAdmitted' | 'missing' | 'barred'>

const notThere: Verdict = { isAdmitted: false, missing: [], barred: 'partly' }

function judgeSet(list: ImportList, set: ImportSetTable): Verdict {
  if (set.barred !== null) return { isAdmitted: false, missing: [], barred: set.barred }
  const missing = importsShape
    .parse(JSON.parse(set.imports))
    .filter(([module, name]) => !list.admits(module, name))
    .map(([module, name]) => `${module}.${name}`)
  return { isAdmitted: missing.length === 0, missing: missing.slice(0, mostNamed + 1), barred: null }
}

/** What a text means, and what it says of a set, is the same for ever: a set never changes, another list is another text. */
const lists = new Map<string, { readonly list: ImportList; readonly known: Map<string, Verdict> }>()

function listOf(text: string): { readonly list: ImportList; readonly known: Map<string, Verdict> } {
  const found = lists.get(text)
  if (found !== undefined) return found
  if (lists.size >= mostLists) lists.clear()
  const made = { list: parseImportList(text), known: new Map<string, Verdict>() }
  lists.set(text, made)
  return made
}
