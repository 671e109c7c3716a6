/**
 * What verifying signed commits costs: `node bench/signatures.ts [--commits N] [--rounds N]`. Makes a history of OpenPGP-signed commits (half
 * Ed25519, half RSA), runs the job that follows a push over it, and `git verify-commit` over a sample of the same. One JSON object per line.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createMessage, generateKey, type PrivateKey, sign } from 'openpgp'
import { readConfig } from '../src/config.ts'
import { systemOrigin } from '../src/domain/event.ts'
import { systemGrant } from '../src/domain/policy.ts'
import { createUser } from '../src/features/accounts/service.ts'
import { addKey } from '../src/features/keys/service.ts'
import { judgeMoved } from '../src/features/signatures/pin.ts'
import { type Hub, openHub } from '../src/hub.ts'
import { formatCommit } from '../src/platform/git/commit.ts'
import { repositoryFolder } from '../src/platform/git/git-store.ts'
import { createRepository } from '../src/platform/git/repository.ts'
import { emptyTreeOid, zeroOid } from '../src/platform/git/safe-names.ts'
import { makeLogger } from '../src/platform/log/logger.ts'

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
  const keys: PrivateKey[] = []
  for (const kind of [
    { type: 'curve25519' as const, curve: 'ed25519Legacy' as const },
    { type: 'rsa' as const, rsaBits: 2_048 },
  ]) {
    const options = kind.type === 'rsa' ? kind : { type: 'ecc' as const, curve: kind.curve }
    const { privateKey, publicKey } = await generateKey({
      ...options,
      userIDs: [{ name: kind.type, email }],
      format: 'object',
    })
    keys.push(privateKey)
    const grant = systemGrant('user.gpg_key.create', { on: 'self' }, 'bench')
    const owner = { kind: 'user', id: user.id, name: user.name, logId: user.id } as const
    await addKey(hub, grant, systemOrigin, owner, 'gpg', publicKey.armor())
    spawnSync('gpg', ['--batch', '--quiet', '--import'], { env: environment(gnupg), input: publicKey.armor() })
  }
  const repos: string[] = []
  for (let round = 0; round < rounds; round++) repos.push(await makeRepo(hub, user.id, round))
  const commits = await makeHistory(hub, folder, repos, keys, count)
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

/** The same history in every repo; each commit on top of the one before. */
async function makeHistory(
  hub: Hub,
  folder: string,
  repos: readonly string[],
  keys: readonly PrivateKey[],
  count: number,
): Promise<string[]> {
  const objects = path.join(folder, 'objects')
  await mkdir(objects)
  const commits: string[] = []
  const files: string[] = []
  const person = { name: 'Bench', email, at: Date.now() }
  for (let number = 0; number < count; number++) {
    const parents = commits.slice(-1)
    const commit = { tree: emptyTreeOid, parents, author: person, committer: person, message: `commit ${number}` }
    const message = await createMessage({ binary: formatCommit(commit) })
    const key = keys[number % keys.length]
    if (key === undefined) throw new Error('There is no key.')
    const signature = await sign({ message, signingKeys: key, detached: true, format: 'armored' })
    const bytes = formatCommit(commit, signature.replaceAll('\r', ''))
    commits.push(createHash('sha1').update(`commit ${bytes.length}\0`).update(bytes).digest('hex'))
    files.push(path.join(objects, String(number)))
    await writeFile(files.at(-1) ?? '', bytes)
  }
  for (const repo of repos) {
    const git = (...args: string[]) => ['--git-dir', repositoryFolder(hub.git, repo), ...args]
    spawnSync('git', git('hash-object', '-t', 'tree', '-w', '--stdin'), { input: '' })
    spawnSync('git', git('hash-object', '-t', 'commit', '-w', '--stdin-paths'), { input: `${files.join('\n')}\n` })
    spawnSync('git', git('update-ref', 'refs/heads/main', commits.at(-1) ?? ''))
    spawnSync('git', git('repack', '-adq'))
  }
  return commits
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
