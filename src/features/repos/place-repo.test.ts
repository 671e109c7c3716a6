/** What a move between workspaces means for git and for Xet (behaviours.md, WS-4 and WS-8), on both databases. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeOrganization, makeUser, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asker } from '../../../tests/support/ask.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { gitClient } from '../../../tests/support/git-client.ts'
import { insertServiceAccount } from '../../../tests/support/service-account-rows.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'

describe.each(dialects)('repos that move between workspaces on %s', (dialect) => {
  let test: TestHub
  let ask: Ask
  let acme: { id: string }
  let ada: TestUser
  let mara: TestUser
  let made = 0
  const base = '/api/organizations/acme/resource-groups'

  beforeAll(async () => {
    test = await startHubOn(dialect)
    ask = asker(test)
    ada = await makeUser(test, 'ada', { tokenRole: 'write' })
    mara = await makeUser(test, 'mara', { tokenRole: 'write' })
    acme = await makeOrganization(test, 'acme', ada, { mara: 'write' })
  })
  afterAll(() => test.stop())

  async function makeWorkspace(users: object[] = []): Promise<string> {
    return (await ask('POST', base, ada.token, { name: `p${++made}`, users })).json<{ id: string }>().id
  }

  async function makeRepo(resourceGroupId?: string): Promise<{ id: string; name: string }> {
    const name = `m${++made}`
    const body = { name, organization: 'acme', private: true, resourceGroupId }
    return (await ask('POST', '/api/repos/create', ada.token, body)).json<{ id: string; name: string }>()
  }

  const move = (name: string, resourceGroupId: string | null) =>
    ask('POST', `/api/models/${name}/resource-group`, ada.token, { resourceGroupId })

  it('WS-4: git is refused on the next request after a move, with a token that runs, and served where it lies now', async () => {
    const ci = await insertServiceAccount(test, acme.id, 'ci', 'no_access')
    const id = await makeWorkspace([{ user: ci.name, role: 'write' }])
    const { name } = await makeRepo()
    await using outside = await gitClient(test.url, mara.token, 'mara')
    await using inside = await gitClient(test.url, ci.token, 'ci')
    await outside.sh(
      `git clone -q $URL/${name} one && cd one && echo one > a.txt && git add -A && git commit -qm one && git push -q`,
    )
    await inside.fails(`git clone -q $URL/${name} one`)
    expect((await move(name, id)).status).toBe(200)
    const refused = await outside.fails(`cd one && git fetch`)
    expect(refused).toContain('not found')
    await outside.fails(`cd one && echo two > a.txt && git commit -qam two && git push`)
    await outside.fails(`git clone -q $URL/${name} two`)
    await inside.sh(
      `git clone -q $URL/${name} two && cd two && echo three > b.txt && git add -A && git commit -qm three && git push -q`,
    )
    expect((await move(name, null)).status).toBe(200)
    await inside.fails(`cd two && git pull`)
    await outside.sh(`git clone -q $URL/${name} three && test -f three/b.txt`)
  })

  /** A file of one xorb that `scope` claims, linked by these repos. */
  async function putFile(scope: string, repos: readonly string[]): Promise<string> {
    const at = ++made
    const hash = `xorb${at}`
    await test.hub.transaction(async (tx) => {
      await tx
        .insertInto('xorb')
        .values({
          hash,
          size: 1,
          rawSize: 1,
          chunkCount: 1,
          chunkIndex: new Uint8Array(40),
          createdAt: 1,
          leaseUntil: Number.MAX_SAFE_INTEGER,
          leaseGeneration: 0,
        })
        .execute()
      await tx.insertInto('xorbScope').values({ scope, xorbHash: hash, createdAt: 1, staleSince: null }).execute()
      const file = { hash: `file${at}`, size: 1, sha256: `${at}`.padStart(64, '0'), createdAt: 1 }
      await tx
        .insertInto('xetFile')
        .values({ ...file, terms: new Uint8Array(48) })
        .execute()
      await tx.insertInto('xetFileXorb').values({ fileHash: file.hash, xorbHash: hash, createdAt: 1 }).execute()
      for (const repoId of repos) {
        const link = { repoId, sha256: file.sha256, size: 1, createdAt: 1, referencedAt: null }
        await tx.insertInto('repoBlob').values(link).execute()
      }
    })
    return hash
  }

  async function scopesOf(xorb: string): Promise<string[]> {
    const rows = await test.hub.db.list.selectFrom('xorbScope').select('scope').where('xorbHash', '=', xorb).execute()
    return rows.map(({ scope }) => scope).sort()
  }

  it('WS-4: what Xet shares follows the repo into the workspace, but not what other repos have too', async () => {
    const [repo, other] = [await makeRepo(), await makeRepo()]
    const id = await makeWorkspace()
    const own = await putFile(acme.id, [repo.id])
    const shared = await putFile(acme.id, [repo.id, other.id])
    const mixed = await putFile(acme.id, [other.id])
    await test.hub.transaction((tx) =>
      tx
        .insertInto('xetFileXorb')
        .values({ fileHash: own.replace('xorb', 'file'), xorbHash: mixed, createdAt: 1 })
        .execute(),
    )
    await move(repo.name, id)
    expect(await scopesOf(own)).toEqual([acme.id, id].sort())
    // The repo has all of that file itself.
    expect(await scopesOf(shared)).toEqual([acme.id, id].sort())
    // A file of another repo lies in the same xorb: its chunks stay out of reach.
    expect(await scopesOf(mixed)).toEqual([acme.id])
    const event = await test.hub.db.list
      .selectFrom('event')
      .select('data')
      .where('action', '=', 'repo.update_resource_group')
      .where('resourceId', '=', repo.id)
      .executeTakeFirst()
    expect(JSON.parse(event?.data ?? '')).toMatchObject({ from: null, toId: id })
  })

  it('WS-8: the end of a workspace brings its claims home, and nothing that a repo elsewhere has a part of', async () => {
    const id = await makeWorkspace()
    const [one, two, gone] = [await makeRepo(id), await makeRepo(id), await makeRepo(id)]
    const own = await putFile(id, [one.id])
    // Of two repos that go home together: neither alone has all of it.
    const both = await putFile(id, [one.id])
    const partner = await putFile(id, [two.id])
    const elsewhere = await putFile(id, [gone.id])
    await test.hub.transaction(async (tx) => {
      for (const [file, xorb] of [
        [partner, both],
        [own, elsewhere],
      ] as const) {
        const row = { fileHash: file.replace('xorb', 'file'), xorbHash: xorb, createdAt: 1 }
        await tx.insertInto('xetFileXorb').values(row).execute()
      }
    })
    await move(gone.name, await makeWorkspace())
    expect((await ask('DELETE', `${base}/${id}`, ada.token)).status).toBe(200)
    for (const xorb of [own, both, partner]) expect(await scopesOf(xorb), xorb).toEqual([acme.id, id].sort())
    expect(await scopesOf(elsewhere)).not.toContain(acme.id)
  })

  it('WS-8: a deleted repo of a workspace that is gone comes back into the organization', async () => {
    const id = await makeWorkspace()
    const repo = await makeRepo(id)
    await ask('DELETE', '/api/repos/delete', ada.token, { name: repo.name, type: 'model' })
    await ask('DELETE', `${base}/${id}`, ada.token)
    const row = await test.hub.db.list
      .selectFrom('repo')
      .select('workspaceId')
      .where('id', '=', repo.id)
      .executeTakeFirst()
    expect(row).toEqual({ workspaceId: null })
  })
})
