/** The pages of repos as a person without JavaScript uses them: forms, redirects, and the same page again where something was wrong. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeOrganization, makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'

let hub: TestHub
let ada: TestUser
let adaCookie: string
let bobCookie: string

beforeAll(async () => {
  hub = await startHub()
  ada = await makeUser(hub, 'Ada', { password: 'correct horse battery' })
  const bob = await makeUser(hub, 'Bob', { password: 'correct horse battery' })
  await makeOrganization(hub, 'Acme', ada, { Bob: 'contributor' })
  adaCookie = await signInAs(hub, ada)
  bobCookie = await signInAs(hub, bob)
})
afterAll(() => hub.stop())

async function open(
  path: string,
  cookie: string | null = null,
): Promise<{ status: number; html: string; location: string | null }> {
  const response = await fetch(`${hub.url}${path}`, { redirect: 'manual', headers: cookie === null ? {} : { cookie } })
  return { status: response.status, html: await response.text(), location: response.headers.get('location') }
}

async function post(path: string, fields: Record<string, string>, cookie: string) {
  const response = await fetch(`${hub.url}${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie, origin: hub.url },
    body: new URLSearchParams(fields),
  })
  return { status: response.status, html: await response.text(), location: response.headers.get('location') }
}

test('a repo is made, found, listed and opened', async () => {
  expect((await open('/new')).location).toBe('/login?next=%2Fnew')
  const form = await open('/new?owner=Acme', adaCookie)
  expect(form.html).toContain('<option value="Acme" selected')
  expect(await post('/new', { owner: 'Ada', name: 'paper', visibility: 'public' }, adaCookie)).toMatchObject({
    status: 303,
    location: '/Ada/paper',
  })
  expect(
    (await post('/new-dataset', { owner: 'Acme', name: 'secret', visibility: 'private' }, bobCookie)).location,
  ).toBe('/datasets/Acme/secret')
  expect(
    (await post('/new-space', { owner: 'Ada', name: 'demo', visibility: 'public', sdk: 'static' }, adaCookie)).location,
  ).toBe('/spaces/Ada/demo')
  for (const path of ['/', '/models', '/models?search=pap', '/Ada', '/search?q=paper']) {
    const page = await open(path)
    expect(page.status, path).toBe(200)
    expect(page.html, path).toContain('href="/Ada/paper"')
  }
  for (const path of ['/', '/datasets', '/Acme?kind=dataset', '/search?q=secret']) {
    expect((await open(path)).html, path).not.toContain('href="/datasets/Acme/secret"')
    expect((await open(path, bobCookie)).html, path).toContain('href="/datasets/Acme/secret"')
  }
  expect((await open('/search?q=ac')).html).toContain('href="/Acme"')
  expect((await open('/no-such-name')).status).toBe(404)
})

test('a new repo is private at first where one of the owners on offer wants that', async () => {
  const checked = async (path: string, cookie: string) =>
    /value="(public|private)"[^>]* checked/.exec((await open(path, cookie)).html)?.[1]
  // Story: the owner is chosen on the page after it was drawn for one's own namespace, and what is the organization's became public.
  expect(await checked('/new', adaCookie)).toBe('private')
  expect(await checked('/new?owner=acme', adaCookie)).toBe('private')
  expect(await checked('/new?owner=Ada', adaCookie)).toBe('public')
})

test('what is wrong with a name stands at the name', async () => {
  const refused = await post('/new', { owner: 'Ada', name: 'a--b', visibility: 'private' }, adaCookie)
  expect(refused.status).toBe(422)
  expect(refused.html).toContain('value="a--b"')
  expect(refused.html).toContain('aria-invalid="true"')
  const taken = await post('/new', { owner: 'Ada', name: 'Paper', visibility: 'private' }, adaCookie)
  expect(taken.status).toBe(409)
  expect(taken.html).toContain('You already created this model repo')
  expect((await post('/new', { owner: 'Ada', name: 'x' }, bobCookie)).status).toBe(403)
})

test('settings: visibility, a new name, the end', async () => {
  await post('/new', { owner: 'Ada', name: 'changing', visibility: 'public' }, adaCookie)
  expect((await open('/Ada/changing/settings', bobCookie)).status).toBe(403)
  expect((await open('/Ada/changing/settings', adaCookie)).status).toBe(200)
  expect((await post('/Ada/changing/settings/visibility', { visibility: 'private' }, adaCookie)).status).toBe(303)
  expect((await open('/Ada/changing/settings', bobCookie)).status).toBe(404)
  expect((await post('/Ada/changing/settings/move', { owner: 'Ada', name: 'paper' }, adaCookie)).html).toContain(
    'A model repository called Ada/paper already exists',
  )
  expect(await post('/Ada/changing/settings/move', { owner: 'Acme', name: 'changed' }, adaCookie)).toMatchObject({
    status: 303,
    location: '/Acme/changed/settings',
  })
  expect((await open('/Ada/changing/settings', adaCookie)).location).toBe('/Acme/changed/settings')
  const dialog = await open('/Acme/changed/settings?dialog=delete', adaCookie)
  expect(dialog.html).toContain('aria-modal="true"')
  const wrong = await post('/Acme/changed/settings/delete', { confirm: 'changed' }, adaCookie)
  expect(wrong.status).toBe(422)
  expect(wrong.html).toContain('Type Acme/changed to delete it.')
  expect((await post('/Acme/changed/settings/delete', { confirm: ' Acme/changed ' }, adaCookie)).location).toBe('/Acme')
  expect((await open('/Acme/changed/settings', adaCookie)).status).toBe(404)
})

test('pages of lists go on where the last one ended', async () => {
  await insertMany(33)
  const first = await open('/datasets?search=many-&sort=createdAt')
  const next = /href="(\/datasets\?[^"]*cursor=[^"]*)"/.exec(first.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const second = await open(next)
  const shown = (html: string) => [...html.matchAll(/href="\/datasets\/Ada\/(many-\d+)"/g)].map((match) => match[1])
  expect([...shown(first.html), ...shown(second.html)]).toEqual(Array.from({ length: 33 }, (_, n) => `many-${32 - n}`))
})

/** Rows alone: the git repositories under them are not looked at here. */
async function insertMany(count: number): Promise<void> {
  const { hub: inner } = hub
  await inner.transaction(async (tx) => {
    for (let n = 0; n < count; n++) {
      const name = `many-${n}`
      const at = inner.clock.now() + n
      const place = {
        ownerId: ada.id,
        creatorId: ada.id,
        name,
        nameKey: name,
        fullName: `Ada/${name}`,
        fullNameKey: `ada/${name}`,
      }
      await tx
        .insertInto('repo')
        .values({ id: inner.clock.id(), kind: 'dataset', visibility: 'public', ...place, createdAt: at, updatedAt: at })
        .execute()
    }
  })
}
