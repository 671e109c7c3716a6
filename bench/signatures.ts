/**
 * What verifying signed commits costs: `node bench/signatures.ts [--commits N] [--rounds N]`. Makes a history of OpenPGP-signed commits (half
 * Ed25519, half RSA), runs the job that follows a push over it, and `git verify-commit` over a sample of the same. One JSON object per line.
 */
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig } from '../src/config.ts'
import { systemOrigin } from '../src/domain/event.ts'
import { systemGrant } from '../src/domain/policy.ts'
import { createUser } from '../src/features/accounts/service.ts'
import { addKey } from '../src/features/keys/service.ts'
import { judgeMoved } from '../src/features/signatures/pin.ts'
import { type Hub, openHub } from '../src/hub.ts'
import { repositoryFolder } from '../src/platform/git/git-store.ts'
import { createRepository } from '../src/platform/git/repository.ts'
import { zeroOid } from '../src/platform/git/safe-names.ts'
import { makeLogger } from '../src/platform/log/logger.ts'
import { makeKeys, signedHistory, writeHistory } from './signed-history.ts'

const email = 'bench@example.org'
const sample = 50

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { commits: { type: 'string', default: '10000' }, rounds: { type: 'string', default: '3' } },
  })
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-signatures-'))
  const hub = await openHub(readConfig({ HOLDFAST_DATA: folder }), { log: makeLogger({ level: 'silent' }) })
  try {
    await measure(hub, folder, Number(values.commits), Number(values.rounds))
  } finally {
    await hub.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function measure(hub: Hub, folder: string, count: number, rounds: number): Promise<void> {
  const gnupg = path.join(folder, 'gnupg')
  await mkdir(gnupg, { mode: 0o700 })
  const user = await createUser(hub, systemGrant('user.create', { on: 'instance' }, 'bench'), systemOrigin, {
    name: 'bench-signer',
    email,
    password: null,
    isAdmin: false,
  })
  const keys = await makeKeys(email)
  for (const key of keys) {
    const armored = key.toPublic().armor()
    const grant = systemGrant('user.gpg_key.create', { on: 'self' }, 'bench')
    const owner = { kind: 'user', id: user.id, name: user.name, logId: user.id } as const
    await addKey(hub, grant, systemOrigin, owner, 'gpg', armored)
    spawnSync('gpg', ['--batch', '--quiet', '--import'], { env: environment(gnupg), input: armored })
  }
  const repos: string[] = []
  for (let round = 0; round < rounds; round++) repos.push(await makeRepo(hub, user.id, round))
  const history = await signedHistory(path.join(folder, 'objects'), email, keys, count)
  const { commits } = history
  for (const repo of repos) writeHistory(repositoryFolder(hub.git, repo), history)
  const head = commits.at(-1) ?? ''
  const [seconds, each, theirs, again]: [number[], number[], number[], number[]] = [[], [], [], []]
  for (const repoId of repos) {
    const whole = await timed(() => judgeMoved(hub, { repoId, oldOid: zeroOid, newOid: head }))
    seconds.push(whole / 1_000)
    each.push(whole / count)
    theirs.push(
      await timed(async () => {
        for (const commit of commits.slice(-sample)) {
          const args = ['--git-dir', repositoryFolder(hub.git, repoId), 'verify-commit', commit]
          const { status } = spawnSync('git', args, { env: environment(gnupg) })
          if (status !== 0) throw new Error(`git does not verify ${commit}.`)
        }
      }).then((ms) => ms / sample),
    )
    const before = commits.at(-101) ?? ''
    again.push(await timed(() => judgeMoved(hub, { repoId, oldOid: before, newOid: head })))
    const row = await hub.db.read
      .selectFrom('commitSignature')
      .select((q) => q.fn.countAll().as('count'))
      .where('repoId', '=', repoId)
      .where('status', '=', 'verified')
      .executeTakeFirstOrThrow()
    if (Number(row.count) !== count) throw new Error(`Of ${count} commits ${row.count} are verified.`)
  }
  tell(`${count.toLocaleString('en')} signed commits after a push`, 's', seconds, [])
  tell('one of them', 'ms', each, theirs)
  tell('100 more, judged already', 'ms', again, [])
}

async function makeRepo(hub: Hub, ownerId: string, number: number): Promise<string> {
  const id = hub.clock.id()
  const name = `history-${number}`
  const at = hub.clock.now()
  await createRepository(hub.git, id)
  await hub.transaction(async (tx) => {
    const row = { id, kind: 'model', ownerId, name, nameKey: name, fullName: `bench-signer/${name}` } as const
    const rest = { fullNameKey: `bench-signer/${name}`, visibility: 'public', creatorId: ownerId } as const
    await tx
      .insertInto('repo')
      .values({ ...row, ...rest, createdAt: at, updatedAt: at })
      .execute()
  })
  return id
}

function environment(gnupg: string): NodeJS.ProcessEnv {
  return { ...process.env, GNUPGHOME: gnupg, GIT_CONFIG_NOSYSTEM: '1' }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

function tell(name: string, unit: string, ours: readonly number[], yardstick: readonly number[]): void {
  console.log(JSON.stringify({ name, unit, ours, yardstick }))
}

await main()
