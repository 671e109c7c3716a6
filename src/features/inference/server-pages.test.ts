/** The page on which somebody says which servers answer for a model: as the API, for people, and without scripts. INF-7. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signInAs } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type InferenceWorld, password, startInference } from '../../../tests/support/inference.ts'
import { answer, type ModelServer, sayHello, startModelServer } from '../../../tests/support/model-server.ts'
import { findServed } from './queries.ts'

describe.each(dialects)('the page of servers on %s', (dialect) => {
  let world: InferenceWorld
  let server: ModelServer
  let ada: string
  let bob: string

  beforeAll(async () => {
    world = await startInference(dialect, { HOLDFAST_LOG_LEVEL: 'silent' })
    server = await startModelServer()
    ada = await signInAs(world.site, { name: 'Ada', password })
    bob = await signInAs(world.site, { name: 'bob', password })
  })
  afterAll(async () => {
    await server.stop()
    await world.site.stop()
  })
  const pageOf = (model: string) => `/${model}/settings/inference`
  const see = (model: string, cookie = ada, more = '') => world.ask('GET', `${pageOf(model)}${more}`, { cookie })
  const send = (model: string, more: string, form: Record<string, string>, cookie = ada) =>
    world.ask('POST', `${pageOf(model)}${more}`, { cookie, form })
  const madeFrom = (html: string) => /name="madeFrom" value="(\d*)"/.exec(html)?.[1] ?? 'none'
  async function servedOf(model: string) {
    const [, name] = model.split('/')
    const { hub } = world.site
    const { id } = await hub.db.read
      .selectFrom('repo')
      .select('id')
      .where('name', '=', name ?? '')
      .executeTakeFirstOrThrow()
    return await findServed(hub.db.read, id)
  }
  const add = async (model: string, form: Record<string, string>) =>
    await send(model, '', { kind: 'vllm', madeFrom: madeFrom((await see(model)).text), ...form })

  test('INF-7: a server is added, changed and removed; its key stays where nothing is typed, and is never in a page', async () => {
    const model = await world.makeModel(true)
    const empty = await see(model)
    expect(empty.text).toContain('No server answers for it')
    expect(empty.text).toContain(`--served-model-name ${model}`)
    const added = await add(model, { url: server.url, secret: 'sk-first', weight: '3', model: 'inner' })
    expect(added.status, added.text).toBe(303)
    const [first] = (await servedOf(model))?.backends ?? []
    expect(first).toMatchObject({ url: server.url, kind: 'vllm', model: 'inner', weight: 3 })
    const shown = await see(model, ada, `?change=${first?.id}`)
    expect(shown.text).toContain('A key is held.')
    expect(shown.text).not.toContain('sk-first')
    const now = { madeFrom: madeFrom(shown.text), url: server.url, kind: 'vllm', model: 'inner' }
    expect((await send(model, `/${first?.id}`, { ...now, weight: '5' })).status).toBe(303)
    expect((await servedOf(model))?.backends[0]).toMatchObject({ id: first?.id, weight: 5, secret: first?.secret })
    await add(model, { url: `${server.url}/v1`, kind: 'llama.cpp' })
    const after = madeFrom((await see(model)).text)
    const removed = await send(model, `/${first?.id}/remove`, { madeFrom: after })
    expect(removed.status).toBe(303)
    const again = await see(model, ada, removed.headers.get('location')?.slice(pageOf(model).length))
    expect(again.text).toMatch(/name="url"[^>]*value="http:\/\/127/)
    expect((await servedOf(model))?.backends.map(({ kind }) => kind)).toEqual(['llama.cpp'])
    const end = await send(model, '/end', { madeFrom: madeFrom(again.text) })
    expect(end.status).toBe(303)
    expect(await servedOf(model)).toBe(null)
  })

  test('INF-7: a key goes by a checkbox, and asks to be typed again for another address', async () => {
    const model = await world.makeModel(false)
    await add(model, { url: server.url, secret: 'sk-stays' })
    const [first] = (await servedOf(model))?.backends ?? []
    const before = madeFrom((await see(model)).text)
    const moved = await send(model, `/${first?.id}`, { madeFrom: before, url: 'http://127.0.0.2:9', kind: 'vllm' })
    expect(moved.status).toBe(422)
    expect(moved.text).toContain('Type the key again')
    expect((await servedOf(model))?.backends[0]?.url).toBe(server.url)
    await send(model, `/${first?.id}`, { madeFrom: before, url: server.url, kind: 'vllm', noSecret: 'yes' })
    expect((await servedOf(model))?.backends[0]?.secret).toBe(null)
  })

  test('what is wrong stands at its field, with what was typed, and never with the key', async () => {
    const model = await world.makeModel(false)
    for (const [form, field] of [
      [{ url: 'nonsense' }, 'url'],
      [{ url: 'http://169.254.169.254/latest' }, 'url'],
      [{ url: `${server.url}/?key=1` }, 'url'],
      [{ url: server.url, weight: '101' }, 'weight'],
      [{ url: server.url, weight: 'many' }, 'weight'],
      [{ url: server.url, kind: 'toaster' }, 'kind'],
      [{ url: server.url, model: 'm'.repeat(201) }, 'model'],
    ] as const) {
      const refused = await add(model, { ...form, secret: 'sk-typed-once' })
      expect(refused.status, JSON.stringify(form)).toBe(422)
      expect(refused.text, JSON.stringify(form)).toContain(`id="field-${field}-error"`)
      expect(refused.text).not.toContain('sk-typed-once')
    }
    expect((await add(model, { url: server.url, secret: 'with blank' })).text).toContain('id="field-secret-error"')
    expect(await servedOf(model)).toBe(null)
    await add(model, { url: server.url })
    expect((await add(model, { url: server.url, weight: '2' })).text).toContain('in the list already')
  })

  // The story: two administrators have the page open; one takes a server away because it leaks, and the other, who changes a weight a minute
  // later, would bring it back without knowing.
  test('INF-7: what somebody else changed meanwhile is shown and not overwritten', async () => {
    const model = await world.makeModel(false)
    await add(model, { url: server.url })
    const old = madeFrom((await see(model)).text)
    const [first] = (await servedOf(model))?.backends ?? []
    await world.setServers(model, [{ url: 'http://127.0.0.3:1', kind: 'tgi' }])
    const form = { madeFrom: old, url: server.url, kind: 'vllm', weight: '7' }
    for (const [more, sent] of [
      ['', form],
      [`/${first?.id}`, form],
      [`/${first?.id}/remove`, { madeFrom: old }],
      ['/revision', { madeFrom: old, revision: '' }],
      ['/end', { madeFrom: old }],
    ] as const) {
      const refused = await send(model, more, sent)
      expect(refused.status, more).toBe(409)
      expect(refused.text).toContain('Somebody changed the servers')
      expect(refused.text).toContain('http://127.0.0.3:1')
      expect(madeFrom(refused.text)).not.toBe(old)
    }
    expect((await servedOf(model))?.backends.map(({ url }) => url)).toEqual(['http://127.0.0.3:1'])
  })

  test('a revision is pinned at a commit, which another weight leaves as it is', async () => {
    const model = await world.makeModel(false)
    await add(model, { url: server.url })
    const from = async () => madeFrom((await see(model)).text)
    const wrong = await send(model, '/revision', { madeFrom: await from(), revision: 'nowhere' })
    expect(wrong.status).toBe(404)
    expect(wrong.text).toContain('id="field-revision-error"')
    expect((await send(model, '/revision', { madeFrom: await from(), revision: 'main' })).status).toBe(303)
    const pinned = await servedOf(model)
    expect(pinned).toMatchObject({ revision: 'main' })
    expect(pinned?.commit).toMatch(/^[0-9a-f]{40}$/)
    const files = { summary: 'A file' }
    const commit = await fetch(`${world.site.url}/api/models/${model}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.ada.token}`, 'content-type': 'application/x-ndjson' },
      body: [
        { key: 'header', value: files },
        { key: 'file', value: { path: 'a.txt', content: 'YQ==', encoding: 'base64' } },
      ]
        .map((part) => JSON.stringify(part))
        .join('\n'),
    })
    expect(commit.status).toBe(200)
    const [first] = pinned?.backends ?? []
    await send(model, `/${first?.id}`, { madeFrom: await from(), url: server.url, kind: 'vllm', weight: '2' })
    expect(await servedOf(model)).toMatchObject({ revision: 'main', commit: pinned?.commit })
  })

  test('the box calls as the wire does: it answers, counts, and says in words why not', async () => {
    const model = await world.makeModel(false)
    await add(model, { url: server.url })
    const before = (await world.usage()).length
    const tried = await send(model, '/try', { way: 'chat', text: 'Say something' })
    expect(tried.status).toBe(200)
    expect(tried.text).toContain('>Hello</p>')
    expect(tried.text).toContain('7 tokens in, 3 out.')
    expect(server.heard.at(-1)?.body).toMatchObject({ model, messages: [{ role: 'user', content: 'Say something' }] })
    expect((await send(model, '/try', { way: 'completion', text: 'a' })).text).toContain('> and more</p>')
    expect((await send(model, '/try', { way: 'embedding', text: 'abc' })).text).toContain(
      'A vector of 3 numbers:\n[3, 1, 0]',
    )
    expect((await send(model, '/try', { way: 'classic', text: 'abc' })).text).toContain('generated_text')
    expect(
      (await world.usage()).slice(before).map(({ route, actorName, tokenId }) => [route, actorName, tokenId]),
    ).toEqual([
      ['chat/completions', 'Ada', null],
      ['completions', 'Ada', null],
      ['embeddings', 'Ada', null],
      ['text-generation', 'Ada', null],
    ])
    const blank = await send(model, '/try', { way: 'chat', text: ' ' })
    expect(blank.status).toBe(422)
    expect(blank.text).toContain('id="field-text-error"')
    server.play((_heard, response) => answer(response, { error: { message: 'no' } }, 500))
    const failed = await send(model, '/try', { way: 'chat', text: 'Hello' })
    expect(failed.status).toBe(200)
    expect(failed.text).toContain('it answered 500')
    await send(model, '/try', { way: 'chat', text: 'Hello' })
    expect((await send(model, '/try', { way: 'chat', text: 'Hello' })).text).toContain('left alone')
    server.play(sayHello)
  })

  test('a model that is answered for says how to call it, in the lists as well; what is hidden is in none', async () => {
    const open = await world.serve([server.url])
    const hidden = await world.serve([server.url], { isPrivate: true })
    const embeds = await world.serve([server.url], { kind: 'tei' })
    const plain = await world.makeModel(false)
    const page = (path: string, cookie = bob) => world.ask('GET', path, { cookie })
    const shown = (await page(`/${open}`)).text
    expect(shown).toContain('Call this model')
    expect(shown).toContain(`${world.site.hub.config.publicUrl}/v1/chat/completions`)
    expect(shown).toContain('InferenceClient')
    expect(shown).not.toContain(server.url)
    expect((await page(`/${embeds}`)).text).toContain(`/models/${embeds}`)
    expect((await page(`/${plain}`)).text).not.toContain('Call this model')
    const served = (await page('/models?inference=served')).text
    expect(served).toContain(`href="/${open}"`)
    expect(served).not.toContain(`href="/${plain}"`)
    expect(served).not.toContain(hidden)
    expect((await page('/models?inference=served', ada)).text).toContain(hidden)
    const row = (html: string, model: string) => html.slice(html.indexOf(`href="/${model}"`)).split('</tr>')[0]
    const all = (await page('/models')).text
    expect(row(all, open)).toContain('answers')
    expect(row(all, plain)).not.toContain('answers')
    for (const word of ['warm', 'served']) {
      const listed = (
        await world.ask('GET', `/api/models?inference=${word}&limit=1000`, { token: world.bob.token })
      ).json<{ id: string }[]>()
      const ids = listed.map(({ id }) => id)
      expect(ids).toContain(open)
      expect(ids).not.toContain(plain)
      expect(ids).not.toContain(hidden)
    }
    expect((await world.ask('GET', '/api/models?inference=cold')).json<unknown[]>()).toEqual([])
    expect((await world.ask('GET', '/api/datasets?inference=warm')).json<unknown[]>()).toEqual([])
  })

  // The story: a model answers with markup that would run in the page of whoever administers it, and so does a server in its refusals, and
  // whoever named it in its address and its name.
  test('XSS: what servers and people say is text', async () => {
    const model = await world.makeModel(false)
    const markup = '<script>alert(1)</script>"\'<img src=x onerror=alert(1)>'
    await add(model, { url: server.url, model: markup })
    const [first] = (await servedOf(model))?.backends ?? []
    server.play((_heard, response) =>
      answer(response, { choices: [{ message: { role: 'assistant', content: markup } }] }),
    )
    const said = await send(model, '/try', { way: 'chat', text: markup })
    server.play((_heard, response) => answer(response, { error: { message: markup } }, 400))
    const refused = await send(model, '/try', { way: 'chat', text: markup })
    server.play(sayHello)
    const pages = [
      said,
      refused,
      await see(model, ada, `?change=${first?.id}`),
      await see(model, ada, `?url=${encodeURIComponent(`javascript:${markup}`)}&model=${encodeURIComponent(markup)}`),
      await add(model, { url: `http://127.0.0.1:1/${markup}`, kind: markup, model: markup, weight: markup }),
    ]
    for (const { text, headers } of pages) {
      expect(text).not.toMatch(/<script>alert|<img src=x/)
      expect(text).toContain('&lt;script&gt;alert(1)')
      expect(headers.get('content-security-policy')).toContain("script-src 'self'")
    }
  })

  // The story: a page elsewhere sends a form to the hub in the browser of an administrator, to have calls go to a server of its own.
  test('CSRF: a form of another site changes nothing and calls nothing', async () => {
    const model = await world.makeModel(false)
    const heard = server.heard.length
    for (const more of ['', '/end', '/revision', '/try']) {
      const sent = await fetch(`${world.site.url}${pageOf(model)}${more}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: ada, 'sec-fetch-site': 'cross-site' },
        body: new URLSearchParams({ url: server.url, kind: 'vllm', madeFrom: '', way: 'chat', text: 'a' }),
      })
      expect(sent.status, more).toBe(403)
    }
    expect(await servedOf(model)).toBe(null)
    expect(server.heard.length).toBe(heard)
  })

  // The story: somebody who may not know of a private model asks for its settings, and for those of one that is not there, to tell them apart.
  test('AUTH-7: who may not sees the reason; of a hidden model, that it is not there', async () => {
    const open = await world.serve([server.url])
    const hidden = await world.serve([server.url], { isPrivate: true })
    for (const more of ['', '?dialog=end']) {
      const refused = await see(open, bob, more)
      expect(refused.status).toBe(403)
      expect(refused.headers.get('x-hub-denied')).toContain('role')
      expect(refused.text).toContain('You cannot do this on')
      expect(refused.text).not.toContain(server.url)
    }
    const tried = await send(open, '/try', { way: 'chat', text: 'a' }, bob)
    expect(tried.status).toBe(403)
    expect(tried.text).not.toContain(server.url)
    for (const more of ['/end', '/try', '/revision', '']) {
      const form = { way: 'chat', text: 'a', madeFrom: '', url: server.url, kind: 'vllm' }
      const there = await send(hidden, more, form, bob)
      const nowhere = await send('acme/nothing', more, form, bob)
      expect([there.status, nowhere.status]).toEqual([404, 404])
      expect(there.headers.get('x-hub-denied')).toBe(null)
    }
    expect((await see(hidden, bob)).status).toBe(404)
    expect((await servedOf(open))?.backends.length).toBe(1)
  })
})
