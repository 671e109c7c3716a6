/**
 * Access previews in an organization of 10,000 members with a token each, 1,000 groups and 10,000 workspaces, with the longest lists that
 * can be asked for: `node bench/access-preview.ts [--postgres postgres://...] [--repos N] [--workspaces N]`. One JSON object per line:
 * `{name, values, against, turn, lag}`. `turn`: the most processor time that the main thread took between two looks, one each millisecond, so
 * no less than its longest turn; `lag`: the longest that a timer was late, which on a shared machine other programs and threads cause too.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import { loadFacts, type Target } from '../src/access/load-facts.ts'
import { readConfig } from '../src/config.ts'
import type { Action } from '../src/domain/permissions.ts'
import { authorize } from '../src/domain/policy.ts'
import { type Change, targetOf } from '../src/features/access-preview/change.ts'
import { presentPreview } from '../src/features/access-preview/present.ts'
import { previewChange } from '../src/features/access-preview/preview.ts'
import { type Hub, openHub } from '../src/hub.ts'
import { fillWorld, hashOf, memberId, organizationId, organizationName } from './facts/world.ts'

const rounds = 5
/** Entries of each list: the most that the interface gives. */
const most = 1000
const repo = { type: 'model', name: `${organizationName}/repo7` } as const
const changes: readonly { readonly name: string; readonly change: Change }[] = [
  { name: 'moving a repo out of its workspace', change: { kind: 'repo_workspace', repos: [repo], workspace: null } },
  { name: 'making a repo public', change: { kind: 'repo_visibility', repo, visibility: 'public' } },
  {
    name: 'fine-grained tokens only',
    change: { kind: 'token_policy', organization: organizationName, policy: 'fine_grained' },
  },
  {
    name: 'a second factor required',
    change: { kind: 'second_factor', organization: organizationName, required: true },
  },
]

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      postgres: { type: 'string' },
      repos: { type: 'string', default: '100000' },
      workspaces: { type: 'string', default: '10000' },
    },
  })
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-preview-'))
  const config = readConfig({
    HOLDFAST_DATA: folder,
    HOLDFAST_LOG_LEVEL: 'error',
    ...(values.postgres === undefined ? {} : { HOLDFAST_DATABASE_URL: values.postgres }),
  })
  const hub = await openHub(config)
  try {
    await fillWorld(hub.db, Number(values.repos), Number(values.workspaces))
    await fillTokens(hub)
    for (const { name, change } of changes) {
      // Policies are felt in every workspace: there each group keeps its roles in one in a hundred.
      if (change.kind === 'token_policy') await thinOut(hub)
      await measure(hub, name, change)
    }
  } finally {
    await hub.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** One classic token for each member, and the one who asks administers it all. */
async function fillTokens(hub: Hub): Promise<void> {
  await hub.db.transaction(
    async (tx) => {
      await sql`insert into "accessToken" ("id", "hash", "last4", "ownerId", "name", "role", "canReadGatedRepos", "globalPermissions", "createdAt")
        select 'f' || substr("id", 2), 'h' || "id", 'abcd', "id", 'bench of all', 'write', 1, '[]', 1 from "user"`.execute(
        tx,
      )
      await tx
        .updateTable('roleGrant')
        .set({ role: 'admin' })
        .where('principalId', '=', memberId)
        .where('targetId', '=', organizationId)
        .execute()
    },
    { timeLimitMs: 600_000 },
  )
}

/** Members have a role in a thousand workspaces each; afterwards in some ten. */
async function thinOut(hub: Hub): Promise<void> {
  await hub.db.transaction(
    async (tx) => {
      await tx
        .deleteFrom('roleGrant')
        .where('principalKind', '=', 'group')
        .where(sql<boolean>`substr("targetId", 23) <> '00'`)
        .execute()
    },
    { timeLimitMs: 600_000 },
  )
}

async function measure(hub: Hub, name: string, change: Change): Promise<void> {
  const factsOn = async (target: Target) =>
    (await loadFacts(hub.db, { kind: 'session', hash: hashOf('session', memberId) }, target, 2)).facts
  const asking = {
    hub,
    facts: await factsOn(targetOf(change)),
    authorizeAlso: async <A extends Action>(action: A, target: Target) => authorize(action, await factsOn(target)),
  }
  const ours: number[] = []
  const against: number[] = []
  const turn: number[] = []
  const lag: number[] = []
  let looked = 0
  for (let round = 0; round <= rounds; round++) {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const turns = watchTurns()
    const from = performance.now()
    const preview = await previewChange(asking, change, most)
    // As it is answered.
    JSON.stringify(presentPreview(preview))
    const took = performance.now() - from
    const longest = turns.end()
    delay.disable()
    looked = preview.comparison.counts.looked
    const read = performance.now()
    await readMembers(hub)
    // The first round warms up.
    if (round === 0) continue
    ours.push(took)
    against.push(performance.now() - read)
    turn.push(longest)
    lag.push(delay.max / 1e6)
  }
  // Who looks at nobody is fast.
  if (looked < 10_000) throw new Error(`${name}: only ${looked} were looked at.`)
  const dialect = hub.db.dialect === 'postgres' ? 'PostgreSQL' : 'SQLite'
  console.log(JSON.stringify({ name: `${dialect}: ${name}, ${looked} principals`, values: ours, against, turn, lag }))
}

/** `end` gives the most processor time, in milliseconds, that this thread took between two looks. */
function watchTurns(): { end(): number } {
  let longest = 0
  let last = process.threadCpuUsage()
  const look = () => {
    const { user, system } = process.threadCpuUsage(last)
    longest = Math.max(longest, (user + system) / 1000)
    last = process.threadCpuUsage()
  }
  const timer = setInterval(look, 1)
  return {
    end() {
      clearInterval(timer)
      look()
      return longest
    },
  }
}

/** The yardstick: the 10,000 members with their names and roles, and nothing decided. */
async function readMembers(hub: Hub): Promise<void> {
  let after = ''
  for (;;) {
    const rows = await hub.db.list
      .selectFrom('roleGrant')
      .innerJoin('user', 'user.id', 'roleGrant.principalId')
      .innerJoin('namespace', 'namespace.id', 'user.id')
      .select(['user.id', 'namespace.name', 'user.fullname', 'user.secondFactorAt', 'roleGrant.role'])
      .where('roleGrant.targetId', '=', organizationId)
      .where('roleGrant.principalId', '>', after)
      .orderBy('roleGrant.principalId')
      .limit(1000)
      .execute()
    if (rows.length < 1000) return
    after = rows.at(-1)?.id ?? ''
  }
}

await main()
