/** Commits through the API, over HTTP against a real hub, checked with real git (hub-api.md, section 6 and 1.5). */
import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runClient } from '../../../tests/support/git-store.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'
import { fillRepo, makeRepo, makeToken, makeUser, type TestRepo, type TestUser } from '../../../tests/support/world.ts'
import { formatLfsPointer } from '../../domain/lfs-pointer.ts'
import { incomingFolder, repositoryFolder } from '../../platform/git/git-store.ts'
import { linkBlob, markReferenced } from '../storage/service.ts'

let at: TestHub
let ada: TestUser
let bob: TestUser
let token = ''
let bobs = ''
beforeAll(async () => {
  at = await startHub({ env: { HOLDFAST_MAX_REGULAR_FILE: '2MiB', HOLDFAST_MAX_INLINE_FILE: '8MiB' } })
  ada = await makeUser(at.hub, 'ada')
  bob = await makeUser(at.hub, 'bob')
  token = (await makeToken(at.hub, ada)).value
  bobs = (await makeToken(at.hub, bob)).value
})
afterAll(() => at.stop())

let repos = 0
const newRepo = (options: Parameters<typeof makeRepo>[3] = {}, owner = ada) =>
  makeRepo(at.hub, owner, `repo-${++repos}`, options)

type Line = readonly [key: string, value: Readonly<Record<string, unknown>>]

const file = (path: string, content: string | Buffer): Line => [
  'file',
  { content: Buffer.from(content).toString('base64'), path, encoding: 'base64' },
]
const large = (path: string, sha256: string, size?: number): Line => [
  'lfsFile',
  { path, algo: 'sha256', oid: sha256, ...(size === undefined ? {} : { size }) },
]

function ndjson(lines: readonly Line[], header: Readonly<Record<string, unknown>> = {}): string {
  const all: Line[] = [['header', { summary: 'Change', description: '', ...header }], ...lines]
  return all.map(([key, value]) => JSON.stringify({ key, value })).join('\n')
}

interface Answer {
  readonly status: number
  readonly code: string | null
  readonly body: Record<string, unknown>
}

async function post(path: string, body: string, options: { as?: string; type?: string } = {}): Promise<Answer> {
  const response = await fetch(`${at.url}${path}`, {
    method: 'POST',
    body,
    headers: {
      'content-type': options.type ?? 'application/x-ndjson',
      ...(options.as === '' ? {} : { authorization: `Bearer ${options.as ?? token}` }),
    },
  })
  return {
    status: response.status,
    code: response.headers.get('x-error-code'),
    body: (await response.json()) as Answer['body'],
  }
}

const api = (repo: TestRepo) => `/api/${repo.kind}s/${repo.namespace}/${repo.name}`
const commit = (
  repo: TestRepo,
  lines: readonly Line[],
  header: Readonly<Record<string, unknown>> = {},
  options: { as?: string; revision?: string } = {},
) => post(`${api(repo)}/commit/${options.revision ?? 'main'}`, ndjson(lines, header), options)

const git = (repo: TestRepo, ...args: string[]) => runClient(repositoryFolder(at.hub.git, repo.id), ...args)
const files = async (repo: TestRepo, revision = 'main') =>
  (await git(repo, 'ls-tree', '-r', '--name-only', revision)).split('\n').filter((line) => line !== '')

/** Bytes that the repo links, as after an upload. */
async function uploaded(repo: TestRepo, size = 1000): Promise<{ sha256: string; size: number }> {
  const blob = { sha256: createHash('sha256').update(randomBytes(32)).digest('hex'), size }
  await at.hub.transaction((tx) => linkBlob(tx, repo.id, blob, at.hub.clock.now()))
  return blob
}

/** What is staged; marks of git processes that are kept ready do not count. */
async function leftovers(): Promise<string[]> {
  return (await readdir(incomingFolder(at.hub.git))).filter((name) => !name.startsWith('writer-'))
}

describe('commit', () => {
  test('the first commit of an empty repo, then changes, in the order of the body', async () => {
    const repo = await newRepo({ kind: 'dataset' })
    const first = await commit(
      repo,
      [file('README.md', '# hi\n'), file('a/b.txt', 'one'), file('a/c.txt', 'two'), file('empty', '')],
      { summary: 'Zürich', description: 'line 1\nline 2' },
    )
    const { commitOid } = first.body
    expect(first).toMatchObject({
      status: 200,
      body: {
        success: true,
        hookOutput: '',
        commitUrl: `${at.url}/datasets/ada/${repo.name}/commit/${commitOid}`,
      },
    })
    expect(await git(repo, 'log', '-1', '--format=%H%n%an%n%ae%n%cn%n%B', 'main')).toBe(
      `${commitOid}\nada\n${ada.id}+ada@users.noreply.localhost\nada\nZürich\n\nline 1\nline 2`,
    )
    const second = await commit(repo, [
      ['deletedFile', { path: 'a' }],
      file('a/d.txt', 'three'),
      file('x', '1'),
      file('x', '2'),
      ['deletedFile', { path: 'empty' }],
      file('empty', 'no longer'),
    ])
    expect(second.status).toBe(200)
    expect(await files(repo)).toEqual(['README.md', 'a/d.txt', 'empty', 'x'])
    expect(await git(repo, 'show', 'main:x')).toBe('2')
    expect((await commit(repo, [['deletedFolder', { path: 'a/' }]])).status).toBe(200)
    expect(await files(repo)).toEqual(['README.md', 'empty', 'x'])
    await git(repo, 'fsck', '--strict')
    expect(await leftovers()).toEqual([])
    const events = await at.hub.db.read.selectFrom('event').selectAll().where('resourceId', '=', repo.id).execute()
    expect(events.map((event) => [event.action, event.actorName])).toEqual([
      ['repo.push', 'ada'],
      ['repo.push', 'ada'],
      ['repo.push', 'ada'],
    ])
  })

  test('what changes nothing makes no commit', async () => {
    const repo = await newRepo()
    expect((await commit(repo, [])).status).toBe(400)
    const head = (await commit(repo, [file('a', '1')])).body.commitOid
    expect((await commit(repo, [file('a', '1')])).body.commitOid).toBe(head)
    expect((await commit(repo, [])).body.commitOid).toBe(head)
    expect(await git(repo, 'rev-parse', 'main')).toBe(head)
  })

  test('parentCommit: full or short, else 412 in the words that clients look for', async () => {
    const repo = await newRepo()
    const one = String((await commit(repo, [file('a', '1')])).body.commitOid)
    const two = String((await commit(repo, [file('b', '1')], { parentCommit: one })).body.commitOid)
    expect(await commit(repo, [file('c', '1')], { parentCommit: one })).toMatchObject({
      status: 412,
      body: { error: 'The branch was updated since you opened this page. Please refresh and try again.' },
    })
    expect((await commit(repo, [file('c', '1')], { parentCommit: two.slice(0, 7) })).status).toBe(200)
    expect(await files(repo)).toEqual(['a', 'b', 'c'])
  })

  test('twenty at once without a parent: all land, one after the other', async () => {
    const repo = await newRepo()
    await commit(repo, [file('a', '1')])
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => commit(repo, [file(`f${index}`, String(index))])),
    )
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200))
    expect(await files(repo)).toHaveLength(21)
    expect(await git(repo, 'rev-list', '--count', '--first-parent', 'main')).toBe('21')
  })

  test('branches by any spelling; never a commit, a tag, a pull request or a branch that is not there', async () => {
    const repo = await newRepo()
    const head = await fillRepo(
      at.hub,
      repo,
      'echo 1 > a; git add .; git commit -qm one; git branch feature/x; git tag v1',
    )
    for (const revision of ['feature%2Fx', 'feature/x', 'refs%2Fheads%2Ffeature%2Fx', 'refs/heads/feature/x', 'HEAD']) {
      expect((await commit(repo, [file(revision.replaceAll('%2F', '-'), '1')], {}, { revision })).status).toBe(200)
    }
    expect(await git(repo, 'rev-list', '--count', 'feature/x')).toBe('5')
    for (const revision of [
      head,
      head.slice(0, 8),
      'v1',
      'refs%2Ftags%2Fv1',
      'refs%2Fpr%2F1',
      'nope',
      'a..b',
      'main^',
    ]) {
      const answer = await commit(repo, [file('z', '1')], {}, { revision })
      expect([revision, answer.status, answer.code]).toEqual([revision, 404, 'RevisionNotFound'])
      const body = JSON.stringify({ files: [{ path: 'a', size: 1, sample: '' }] })
      const plan = await post(`${api(repo)}/preupload/${revision}`, body, { type: 'application/json' })
      expect([revision, plan.status, plan.code]).toEqual([revision, 404, 'RevisionNotFound'])
    }
  })

  test('refusals in the words that clients look for', async () => {
    const repo = await newRepo()
    await commit(repo, [file('a', '1')])
    expect(await commit(repo, [['deletedFile', { path: 'gone' }]])).toMatchObject({
      status: 404,
      code: 'EntryNotFound',
      body: { error: expect.stringContaining("A file with this name doesn't exist") },
    })
    expect(await commit(repo, [file('..\\ddd', '1')])).toMatchObject({ status: 422 })
    expect(await commit(repo, [file('README.md', '---\nlicense: [\n---\n')])).toMatchObject({
      status: 400,
      body: {
        error: expect.stringContaining('Invalid metadata in README.md'),
        errors: [{ message: expect.any(String) }],
      },
    })
    expect(await commit(repo, [file('README.md', '---\ntags: 7\n---\n')])).toMatchObject({ status: 400 })
    expect(await post(`${api(repo)}/commit/main`, 'hello')).toMatchObject({
      status: 400,
      body: { error: 'Line 1 of the commit is not valid: it is not a JSON object' },
    })
    for (const what of ['commit', 'preupload']) {
      const body = what === 'commit' ? ndjson([file('b', '1')]) : '{"files":[]}'
      for (const as of [token, bobs]) {
        const answer = await post(`${api(repo)}/${what}/main?create_pr=1`, body, { as, type: 'application/json' })
        expect(answer).toMatchObject({ status: 501, body: { code: 'pull_requests_missing' } })
      }
    }
    expect(await files(repo)).toEqual(['a'])
  })

  test('who may: the owner; not a stranger, not a read token, not anonymous; a private repo hides', async () => {
    const repo = await newRepo({ visibility: 'private' })
    const shown = await newRepo()
    const reader = (await makeToken(at.hub, ada, 'read')).value
    const scoped = (await makeToken(at.hub, ada, 'fineGrained', { [repo.id]: ['repo.write'] })).value
    const line = [file('a', '1')]
    expect(await commit(repo, line, {}, { as: bobs })).toMatchObject({ status: 404, code: 'RepoNotFound' })
    expect(await commit(repo, line, {}, { as: '' })).toMatchObject({ status: 401, code: 'RepoNotFound' })
    expect(await commit(repo, line, {}, { as: reader })).toMatchObject({ status: 403 })
    expect(await commit(repo, line, {}, { as: scoped })).toMatchObject({ status: 200 })
    expect(await commit(shown, line, {}, { as: bobs })).toMatchObject({ status: 403 })
    expect(await commit(shown, line, {}, { as: scoped })).toMatchObject({ status: 403 })
  })

  test('a right that ends while the body is sent ends the commit (AUTH-5)', async () => {
    const repo = await newRepo()
    const { id, value } = await makeToken(at.hub, ada)
    const lines = ndjson([file('a', '1'), file('b', '2')]).split('\n')
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(Buffer.from(`${lines[0]}\n${lines[1]}\n`))
        await new Promise((resolve) => setTimeout(resolve, 150))
        await at.hub.transaction((tx) => tx.deleteFrom('accessToken').where('id', '=', id).execute())
        controller.enqueue(Buffer.from(lines[2] ?? ''))
        controller.close()
      },
    })
    const response = await fetch(`${at.url}${api(repo)}/commit/main`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${value}` },
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(401)
    await expect(git(repo, 'rev-parse', '--verify', '-q', 'main')).rejects.toThrow()
    expect(await leftovers()).toEqual([])
  })

  test('a refusal reaches a client that is still sending', async () => {
    const repo = await newRepo()
    await commit(repo, [file('a', '1')])
    const bulk = Array.from({ length: 25 }, (_, index) => file(`f${index}`, Buffer.alloc(1_500_000, index)))
    expect((await commit(repo, bulk, { parentCommit: '0'.repeat(40) })).status).toBe(412)
    expect((await commit(repo, [['deletedFile', { path: 'no' }], ...bulk])).status).toBe(404)
    expect((await commit(repo, bulk, {}, { revision: 'nope' })).status).toBe(404)
    expect(await files(repo)).toEqual(['a'])
  })

  test('a body that breaks off leaves nothing', async () => {
    const repo = await newRepo()
    const start = `${ndjson([file('a', '1')])}\n{"key":"file","value":{"path":"big","content":"`
    const { port } = new URL(at.url)
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          `POST ${api(repo)}/commit/main HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-length: 90000000\r\n\r\n${start}`,
        )
        socket.write('QUJD'.repeat(1_000_000), () => setTimeout(() => socket.destroy(), 150))
      })
      socket.on('close', () => resolve())
      socket.on('error', () => resolve())
    })
    await expect.poll(() => leftovers()).toEqual([])
    await expect(git(repo, 'rev-parse', '--verify', '-q', 'main')).rejects.toThrow()
  })
})

describe('large files', () => {
  test('pointers to what was uploaded; a line in .gitattributes where no pattern covers it', async () => {
    const repo = await newRepo()
    const [covered, plain, nested] = [await uploaded(repo), await uploaded(repo), await uploaded(repo)]
    await commit(repo, [file('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text')])
    const answer = await commit(repo, [
      large('model.bin', covered.sha256, covered.size),
      large('my data.json', plain.sha256),
      large('a/b.json', nested.sha256, nested.size),
      file('a/.gitattributes', 'b.json filter=lfs\n'),
      large('replaced.json', plain.sha256),
      file('replaced.json', '{}'),
    ])
    expect(answer.status).toBe(200)
    expect(await git(repo, 'show', 'main:model.bin')).toBe(formatLfsPointer(covered).trimEnd())
    expect(await git(repo, 'show', 'main:my data.json')).toBe(formatLfsPointer(plain).trimEnd())
    expect(await git(repo, 'show', 'main:.gitattributes')).toBe(
      '*.bin filter=lfs diff=lfs merge=lfs -text\n"/my data.json" filter=lfs diff=lfs merge=lfs -text',
    )
    const links = await at.hub.db.read.selectFrom('repoBlob').selectAll().where('repoId', '=', repo.id).execute()
    expect(links.map((link) => link.referencedAt !== null)).toEqual([true, true, true])
  })

  test('.gitattributes in the same commit counts, also with 2,000 files that nothing covers', async () => {
    const repo = await newRepo()
    const blob = await uploaded(repo)
    const many = Array.from({ length: 2000 }, (_, index) => large(`part-${index}.x`, blob.sha256))
    expect(
      (await commit(repo, [file('.gitattributes', '*.y filter=lfs'), large('a.y', blob.sha256), ...many])).status,
    ).toBe(200)
    const text = await git(repo, 'show', 'main:.gitattributes')
    expect(text.split('\n')).toHaveLength(2001)
    expect((await commit(repo, [large('again/part.x', blob.sha256), ...many.slice(0, 10)])).status).toBe(200)
    expect((await git(repo, 'show', 'main:.gitattributes')).split('\n')).toHaveLength(2002)
  })

  test('two commits at once both keep their lines', async () => {
    const repo = await newRepo()
    const blob = await uploaded(repo)
    await commit(repo, [file('a', '1')])
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => commit(repo, [large(`f${index}.x`, blob.sha256)])),
    )
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200))
    const lines = (await git(repo, 'show', 'main:.gitattributes')).split('\n')
    expect(lines.sort()).toEqual(
      Array.from({ length: 8 }, (_, index) => `/f${index}.x filter=lfs diff=lfs merge=lfs -text`),
    )
  })

  test('never by a hash alone: what nobody sent here is refused, whoever else has it', async () => {
    const repo = await newRepo()
    const secret = await newRepo({ visibility: 'private' }, bob)
    const known = await uploaded(secret)
    await at.hub.transaction((tx) => markReferenced(tx, secret.id, [known.sha256], at.hub.clock.now()))
    const unsent = 'ab'.repeat(32)
    for (const [sha256, size] of [[known.sha256, known.size], [known.sha256], [unsent, 5], [unsent]] as const) {
      expect(await commit(repo, [large('x', sha256, size)])).toMatchObject({
        status: 422,
        body: { code: 'lfs_object_missing', error: expect.stringContaining('x') },
      })
    }
    const own = await uploaded(repo)
    expect(await commit(repo, [large('x', own.sha256, own.size + 1)])).toMatchObject({ status: 400 })
  })

  test('copies from a repo that the caller may read, without a size', async () => {
    const source = await newRepo({ visibility: 'private' })
    const target = await newRepo()
    const blob = await uploaded(source, 4321)
    const draft = await uploaded(source)
    await at.hub.transaction((tx) => markReferenced(tx, source.id, [blob.sha256], at.hub.clock.now()))
    expect((await commit(target, [large('copy.bin', blob.sha256)])).status).toBe(200)
    expect(await git(target, 'show', 'main:copy.bin')).toContain('size 4321')
    // What was only uploaded there is in nobody's history yet.
    expect((await commit(target, [large('draft.bin', draft.sha256)])).status).toBe(422)
    const narrow = (await makeToken(at.hub, ada, 'fineGrained', { [target.id]: ['repo.write'] })).value
    const other = await uploaded(source)
    await at.hub.transaction((tx) => markReferenced(tx, source.id, [other.sha256], at.hub.clock.now()))
    expect((await commit(target, [large('other.bin', other.sha256)], {}, { as: narrow })).status).toBe(422)
  })

  test('what is too large for git is stored as a large file, however it came; beyond that it is refused', async () => {
    const repo = await newRepo()
    const bytes = randomBytes(3 * 1024 * 1024)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(
      (await commit(repo, [file('weights.dat', bytes), file('small.dat', bytes.subarray(0, 1_500_000))])).status,
    ).toBe(200)
    expect(await git(repo, 'show', 'main:weights.dat')).toBe(formatLfsPointer({ sha256, size: bytes.length }).trimEnd())
    expect(await git(repo, 'cat-file', '-s', 'main:small.dat')).toBe('1500000')
    expect(await git(repo, 'show', 'main:.gitattributes')).toContain('/weights.dat filter=lfs')
    const got = await fetch(`${at.url}/${repo.address}/resolve/main/weights.dat`)
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true)
    const huge = await commit(repo, [file('huge.dat', Buffer.alloc(9 * 1024 * 1024))])
    expect(huge).toMatchObject({ status: 413, body: { code: 'field_too_large' } })
    expect(await leftovers()).toEqual([])
  })
})

describe('preupload', () => {
  interface Plan {
    readonly files: readonly { path: string; uploadMode: string; shouldIgnore: boolean; oid: string | null }[]
    readonly commitOid?: string
  }
  const plan = async (
    repo: TestRepo,
    wanted: readonly { path: string; size?: number; sample?: string | Buffer }[],
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Plan> => {
    const asked = wanted.map(({ path, size = 4, sample = 'text' }) => ({
      path,
      size,
      sample: Buffer.from(sample).toString('base64'),
    }))
    const body = JSON.stringify({ files: asked, ...more })
    const answer = await post(`${api(repo)}/preupload/main`, body, { type: 'application/json' })
    expect(answer.status).toBe(200)
    return answer.body as unknown as Plan
  }
  const modes = ({ files: planned }: Plan) => Object.fromEntries(planned.map((one) => [one.path, one.uploadMode]))

  test('modes by attributes, size and sample', async () => {
    const repo = await newRepo()
    await fillRepo(
      at.hub,
      repo,
      'mkdir -p sub; echo "*.bin filter=lfs diff=lfs merge=lfs -text\n*.raw -filter" > .gitattributes; echo "*.csv filter=lfs\n*.bin !filter" > sub/.gitattributes; git add .; git commit -qm one',
    )
    const wanted = [
      { path: 'a.bin' },
      { path: 'empty.bin', size: 0, sample: '' },
      { path: 'sub/a.bin' },
      { path: 'sub/a.csv' },
      { path: 'a.csv' },
      { path: 'text.text', size: 2 * 1024 * 1024 },
      { path: 'long.text', size: 2 * 1024 * 1024 + 1 },
      { path: 'nul', sample: Buffer.from([0x61, 0]) },
      { path: 'latin1', sample: Buffer.from('caf\xe9', 'latin1') },
      { path: 'cut', size: 600, sample: Buffer.from('é'.repeat(300)).subarray(0, 511) },
      { path: 'b.raw', sample: Buffer.from([0, 1]) },
      { path: '.gitattributes', sample: Buffer.from([0]) },
    ]
    expect(modes(await plan(repo, wanted))).toEqual({
      'a.bin': 'lfs',
      'empty.bin': 'regular',
      'sub/a.bin': 'regular',
      'sub/a.csv': 'lfs',
      'a.csv': 'regular',
      'text.text': 'regular',
      'long.text': 'lfs',
      nul: 'lfs',
      latin1: 'lfs',
      cut: 'regular',
      'b.raw': 'regular',
      '.gitattributes': 'regular',
    })
    const given = await plan(repo, [{ path: 'a.bin' }, { path: 'a.foo' }], { gitAttributes: '*.foo filter=lfs' })
    expect(modes(given)).toEqual({ 'a.bin': 'regular', 'a.foo': 'lfs' })
  })

  test('ignored files by .gitignore of the branch or of the request; ids of what is there', async () => {
    const repo = await newRepo()
    const blob = await uploaded(repo)
    await commit(repo, [
      file('.gitignore', '*.tmp\n'),
      file('a.txt', 'hello'),
      large('b.bin', blob.sha256),
      file('d/x', ''),
    ])
    const wanted = [{ path: 'a.txt' }, { path: 'b.bin' }, { path: 'c.tmp' }, { path: 'd' }, { path: 'keep.log' }]
    const answer = await plan(repo, wanted)
    expect(answer).toEqual({
      commitOid: await git(repo, 'rev-parse', 'main'),
      files: [
        { path: 'a.txt', uploadMode: 'regular', shouldIgnore: false, oid: await git(repo, 'rev-parse', 'main:a.txt') },
        { path: 'b.bin', uploadMode: 'lfs', shouldIgnore: false, oid: blob.sha256 },
        { path: 'c.tmp', uploadMode: 'regular', shouldIgnore: true, oid: null },
        { path: 'd', uploadMode: 'regular', shouldIgnore: false, oid: null },
        { path: 'keep.log', uploadMode: 'regular', shouldIgnore: false, oid: null },
      ],
    })
    const given = await plan(repo, wanted, { gitIgnore: '*.log\n' })
    expect(given.files.filter((one) => one.shouldIgnore).map((one) => one.path)).toEqual(['keep.log'])
  })

  test('an empty repo; bad paths; too much', async () => {
    const repo = await newRepo()
    expect(await plan(repo, [{ path: 'a.txt' }, { path: 'b', sample: Buffer.from([0]) }])).toEqual({
      files: [
        { path: 'a.txt', uploadMode: 'regular', shouldIgnore: false, oid: null },
        { path: 'b', uploadMode: 'lfs', shouldIgnore: false, oid: null },
      ],
    })
    const type = 'application/json'
    const bad = JSON.stringify({ files: [{ path: '../x', size: 1, sample: '' }] })
    expect((await post(`${api(repo)}/preupload/main`, bad, { type })).status).toBe(422)
    const many = JSON.stringify({
      files: Array.from({ length: 5001 }, (_, i) => ({ path: `${i}`, size: 1, sample: '' })),
    })
    expect((await post(`${api(repo)}/preupload/main`, many, { type })).status).toBe(400)
    const long = JSON.stringify({ files: [], gitIgnore: 'x'.repeat(5 << 20) })
    expect((await post(`${api(repo)}/preupload/main`, long, { type })).status).toBe(413)
  })
})

test('super-squash leaves one commit with that title', async () => {
  const repo = await newRepo()
  for (const name of ['a', 'b', 'c']) await commit(repo, [file(name, '1')])
  const tree = await git(repo, 'rev-parse', 'main^{tree}')
  const answer = await post(`${api(repo)}/super-squash/main`, JSON.stringify({ message: 'All of it' }), {
    type: 'application/json',
  })
  expect(answer.status).toBe(200)
  expect(await git(repo, 'log', '--format=%s %T', 'main')).toBe(`All of it ${tree}`)
  expect(await post(`${api(repo)}/super-squash/nope`, '{}', { type: 'application/json' })).toMatchObject({
    status: 404,
    code: 'RevisionNotFound',
  })
  expect((await commit(repo, [file('d', '1')])).status).toBe(200)
})
