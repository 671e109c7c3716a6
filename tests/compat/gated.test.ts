/**
 * Gates before clients as they come: huggingface_hub maps each refusal to GatedRepoError and prints the reason, git clones and fetches nothing,
 * and what was handed out before ends with the grant, on LFS and Xet too (REP-5, REP-6, AUTH-6).
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeToken } from '../support/accounts.ts'
import { type GateWorld, startGateWorld } from '../support/gate.ts'
import { gitClient, hasGitLfs } from '../support/git-client.ts'
import { makeAccountToken, makeServiceAccount } from '../support/service-accounts.ts'
import { expectSuccess, findPython, runClient } from './clients.ts'

const script = fileURLToPath(new URL('python/gated.py', import.meta.url))

describe('a gated repo and clients as they come', () => {
  let world: GateWorld
  let home: string
  /** Sent by the newest client, by Xet. */
  let weights: { bytes: Buffer; sha256: string }

  beforeAll(async () => {
    world = await startGateWorld('sqlite')
    home = await mkdtemp(path.join(tmpdir(), 'holdfast-gated-'))
    const bytes = randomBytes(300_000)
    weights = { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
    await writeFile(path.join(home, 'weights.bin'), bytes)
  })
  afterAll(async () => {
    await world.site.stop()
    await rm(home, { recursive: true, force: true })
  })

  describe.each(['newest', 'last1'] as const)('huggingface_hub, %s', (set) => {
    const python = findPython(set)
    const run = (token: string | null, ...args: string[]) =>
      runClient(python ?? '', [script, ...args], {
        env: { HF_ENDPOINT: world.site.url, ...(token === null ? {} : { HF_TOKEN: token }) },
      })
    /** What each of five ways to content says. */
    const words = async (token: string | null, repo: string): Promise<string[]> =>
      expectSuccess(await run(token, 'refused', repo))
        .trim()
        .split('\n')

    it.skipIf(python === null)(
      'AUTH-6: each reason stands in the text of its GatedRepoError',
      { timeout: 240_000 },
      async () => {
        const { ada, bob, site } = world
        const repo = await world.makeGated()
        const { askAccess, handle } = world.at(repo)
        const expectAll = async (token: string | null, pattern: RegExp) => {
          const said = await words(token, repo)
          expect(said).toHaveLength(5)
          for (const line of said) expect(line).toMatch(pattern)
        }
        await expectAll(null, new RegExp(`401 Client Error.*Access to model ${repo} is restricted.*Please log in`))
        await expectAll(bob.token, /403 Client Error.*you are not in the authorized list.*to ask for access/)
        await askAccess(bob.token)
        await expectAll(bob.token, /403 Client Error.*awaiting a review from the repo authors/)
        await handle({ user: 'bob', status: 'rejected', rejectionReason: 'No company given' }, ada.token)
        await expectAll(bob.token, /403 Client Error.*rejected by the repo's authors: No company given/)
        await handle({ user: 'bob', status: 'accepted' }, ada.token)
        const text = createHash('sha256').update('secret weights').digest('hex')
        expectSuccess(await run(bob.token, 'reads', repo, 'weights.txt', text))
        // UAT-8, REP-7: the forgotten gated flag.
        const nothing = await makeToken(site, bob, { role: 'fineGrained' })
        await expectAll(nothing, /403 Client Error.*this token does not list it/)
        const lists = await makeToken(site, bob, { role: 'fineGrained', scoped: [`model:${repo}=repo.content.read`] })
        expectSuccess(await run(lists, 'reads', repo, 'weights.txt', text))
        const flag = await makeToken(site, bob, { role: 'fineGrained', gated: true })
        expectSuccess(await run(flag, 'reads', repo, 'weights.txt', text))
      },
    )

    it.skipIf(python === null)(
      'REP-9: its author decides with the methods of HfApi',
      { timeout: 120_000 },
      async () => {
        const repo = await world.makeGated()
        await world.at(repo).askAccess(world.bob.token)
        expect(expectSuccess(await run(world.ada.token, 'handles', repo, 'bob'))).toContain('handled')
        const reader = await run(world.bob.token, 'handles', repo, 'bob')
        expect(reader.code).not.toBe(0)
        expect(reader.stderr).toContain('403')
      },
    )

    it.skipIf(python === null)(
      'REP-8: a service account downloads once it was let in',
      { timeout: 120_000 },
      async () => {
        const { site, acme } = world
        const repo = await world.makeGated()
        await world.put(repo, world.ada.token, { orgMembersGated: true })
        const machine = await makeServiceAccount(site, acme, `ci ${set}`)
        const token = await makeAccountToken(site, acme, machine)
        expect((await words(token, repo))[0]).toMatch(/administrator of its organization|not in the authorized list/)
        await world.at(repo).grant({ user: `sa-${machine.id}` })
        const text = createHash('sha256').update('secret weights').digest('hex')
        expectSuccess(await run(token, 'reads', repo, 'weights.txt', text))
      },
    )

    it.skipIf(python === null)(
      'REP-5, REP-6: a large file by Xet is read with a grant, and not a byte of it without',
      { timeout: 240_000 },
      async () => {
        const { ada, bob, ask, site } = world
        const repo = await world.makeGated()
        const { grant, handle } = world.at(repo)
        const hf = path.join(path.dirname(python ?? ''), 'hf')
        const env = { HF_ENDPOINT: site.url, HF_TOKEN: ada.token }
        expectSuccess(await runClient(hf, ['upload', repo, path.join(home, 'weights.bin'), 'weights.bin'], { env }))
        const tree = await ask('GET', `/api/models/${repo}/tree/main`, '')
        const entry = tree.json<{ path: string; xetHash?: string }[]>().find((each) => each.path === 'weights.bin')
        expect(entry?.xetHash).toMatch(/^[0-9a-f]{64}$/)
        expect((await ask('GET', `/api/models/${repo}/xet-read-token/main`, bob.token)).status).toBe(403)
        await grant({ user: 'bob' })
        expectSuccess(await run(bob.token, 'reads', repo, 'weights.bin', weights.sha256))

        // The story: somebody is let in, keeps what they were handed, and uses it after the grant is gone.
        const handed = (await ask('GET', `/api/models/${repo}/xet-read-token/main`, bob.token)).json<{
          casUrl: string
          accessToken: string
        }>()
        const plan = () =>
          fetch(`${handed.casUrl}/v1/reconstructions/${entry?.xetHash}`, {
            headers: { authorization: `Bearer ${handed.accessToken}` },
          })
        const first = (await (await plan()).json()) as {
          fetch_info: Record<string, { url: string; url_range: { start: number; end: number } }[]>
        }
        const [piece] = Object.values(first.fetch_info).flat()
        const fetchPiece = () =>
          fetch(piece?.url ?? '', {
            headers: { range: `bytes=${piece?.url_range.start}-${piece?.url_range.end}` },
          })
        expect((await fetchPiece()).status).toBe(206)
        const batch = await ask('POST', `/${repo}/info/lfs/objects/batch`, bob.token, {
          operation: 'download',
          objects: [{ oid: weights.sha256, size: weights.bytes.length }],
        })
        const href = batch.json<{ objects: { actions: { download: { href: string } } }[] }>().objects[0]?.actions
          .download.href
        expect((await fetch(href ?? '')).status).toBe(200)

        await handle({ user: 'bob', status: 'pending' }, ada.token)
        for (const [what, answer] of [
          ['the plan', await plan()],
          ['a range', await fetchPiece()],
          ['the LFS object', await fetch(href ?? '')],
        ] as const) {
          const bytes = Buffer.from(await answer.arrayBuffer())
          expect([what, answer.status, answer.headers.get('x-error-code')]).toEqual([what, 403, 'GatedRepo'])
          expect(bytes.length).toBeLessThan(2_000)
        }
        // The story: the listing names the file by its hash, so it is committed to a repo of one's own by that name.
        await ask('POST', '/api/repos/create', bob.token, { name: `steal-${set}` })
        const lines = [
          { key: 'header', value: { summary: 'mine' } },
          {
            key: 'lfsFile',
            value: { path: 'weights.bin', algo: 'sha256', oid: weights.sha256, size: weights.bytes.length },
          },
        ]
        const stolen = await fetch(`${site.url}/api/models/bob/steal-${set}/commit/main`, {
          method: 'POST',
          headers: { authorization: `Bearer ${bob.token}`, 'content-type': 'application/x-ndjson' },
          body: lines.map((line) => JSON.stringify(line)).join('\n'),
        })
        expect(stolen.status).toBeGreaterThanOrEqual(400)
        const mine = await ask('GET', `/bob/steal-${set}/resolve/main/weights.bin`, bob.token)
        expect(mine.status).toBe(404)

        const again = await run(bob.token, 'reads', repo, 'weights.bin', weights.sha256)
        expect(again.code).not.toBe(0)
        expect(again.stderr).toContain('GatedRepoError')
      },
    )
  })

  it('REP-6: git clones and fetches with a grant alone, and prints why not', { timeout: 120_000 }, async () => {
    const { ada, bob, ask, site } = world
    const repo = await world.makeGated()
    const { sha } = (await ask('GET', `/api/models/${repo}`, '')).json<{ sha: string }>()
    const { grant, handle } = world.at(repo)
    await using outsider = await gitClient(site.url, bob.token, 'bob')
    await using nobody = await gitClient(site.url, null)
    expect(await nobody.fails(`git clone $URL/${repo} r`)).toMatch(
      /Authentication failed|could not read Username|terminal prompts disabled/,
    )
    const refused = await outsider.fails(`git clone $URL/${repo} r`)
    expect(refused).toMatch(/403|restricted/)
    // The story: the listing names every object, so they are asked for by their ids, without a branch.
    const fetchById = (folder: string, id: string) =>
      `rm -rf ${folder}; git init -q ${folder}; cd ${folder}; git fetch $URL/${repo} ${id}`
    expect(await outsider.fails(fetchById('by-id', sha))).toMatch(/403|restricted/)
    await grant({ user: 'bob' })
    expect(await outsider.sh(`git clone -q $URL/${repo} r && cat r/weights.txt`)).toContain('secret weights')
    await outsider.sh(fetchById('granted', sha))
    await handle({ user: 'bob', status: 'rejected' }, ada.token)
    await world.commit(repo, { 'next.txt': 'more secrets' })
    expect(await outsider.fails('cd r && git pull')).toMatch(/403|restricted/)
    expect(await outsider.fails(fetchById('withdrawn', sha))).toMatch(/403|restricted/)
    if (!hasGitLfs()) return
    await using author = await gitClient(site.url, ada.token, 'Ada')
    await author.sh(`git clone -q $URL/${repo} r && cd r && git lfs track '*.pt' && head -c 200000 /dev/urandom > w.pt &&
      git add -A && git commit -qm lfs && git push -q origin main`)
    await handle({ user: 'bob', status: 'accepted' }, ada.token)
    await outsider.sh(`git clone -q $URL/${repo} lfs && test $(stat -c %s lfs/w.pt) = 200000`)
    await handle({ user: 'bob', status: 'pending' }, ada.token)
    expect(await outsider.fails('cd lfs && rm -rf .git/lfs w.pt && git checkout w.pt && git lfs pull')).toMatch(
      /403|restricted|smudge/i,
    )
  })
})
