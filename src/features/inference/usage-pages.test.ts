/** The pages of usage: an organization's for its administrators, and one's own. INF-6. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeUser, signInAs } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { hello, type InferenceWorld, password, startInference } from '../../../tests/support/inference.ts'
import { type ModelServer, startModelServer } from '../../../tests/support/model-server.ts'

describe.each(dialects)('the pages of usage on %s', (dialect) => {
  let world: InferenceWorld
  let server: ModelServer
  let ada: string
  let bob: string
  let model: string

  beforeAll(async () => {
    world = await startInference(dialect, { HOLDFAST_LOG_LEVEL: 'silent' })
    server = await startModelServer()
    ada = await signInAs(world.site, { name: 'Ada', password })
    bob = await signInAs(world.site, { name: 'bob', password })
    model = await world.serve([server.url])
    await world.chat(model, world.ada.token)
    await world.chat(model, world.bob.token)
    await world.chat(await world.serve(['http://127.0.0.1:1']), world.ada.token)
    await fetch(`${world.site.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.ada.token}`,
        'content-type': 'application/json',
        'x-hf-bill-to': 'acme',
      },
      body: JSON.stringify({ model, ...hello }),
    }).then((response) => response.arrayBuffer())
  })
  afterAll(async () => {
    await server.stop()
    await world.site.stop()
  })
  const see = (query = '', cookie = ada, path = '/organizations/acme/settings/usage') =>
    world.ask('GET', `${path}${query}`, { cookie })
  const own = (query = '', cookie = ada) => see(query, cookie, '/settings/usage')
  /** What the first column of the table says. */
  const rows = (html: string) =>
    [...html.matchAll(/<th role="rowheader".*?<\/th>/gs)].map(([head]) => head.replaceAll(/<[^>]*>/g, '').trim())
  const calls = (html: string) => [...html.matchAll(/data-l="Calls"[^>]*>([\d,]+)</g)].map(([, count]) => Number(count))

  test('INF-6: an organization sees its calls by each of the groups, with the figures of all', async () => {
    const byModel = await see()
    expect(byModel.status).toBe(200)
    expect(rows(byModel.text)).toEqual([model, 'acme/m2'])
    expect(calls(byModel.text)).toEqual([3, 1])
    expect(byModel.text).toContain('1 of them failed.')
    expect(byModel.text).toContain(`href="/${model}"`)
    expect(rows((await see('?group_by=principal')).text)).toEqual(['Ada', 'bob'])
    expect(rows((await see('?group_by=billed')).text).toSorted()).toEqual(['Ada', 'acme', 'bob'])
    expect(rows((await see('?group_by=status')).text)).toEqual(['200', '502'])
    expect(rows((await see('?group_by=day&period=month')).text)).toEqual([new Date().toISOString().slice(0, 10)])
    expect(rows((await see('?group_by=token')).text)[0]).toMatch(/^Token that ends in .{4}$/)
    expect(rows((await see('?group_by=backend')).text)[0]).toContain('vllm 127.0.0.1')
    expect((await see('?period=last-month')).text).toContain('No calls in this time')
  })

  test('INF-6: one sees what one is billed for, and nothing of what others pay', async () => {
    const mine = await own('?group_by=status')
    expect(rows(mine.text)).toEqual(['200', '502'])
    expect(calls(mine.text)).toEqual([1, 1])
    expect(calls((await own('', bob)).text)).toEqual([1])
    expect((await own('', '')).status).toBe(303)
    expect((await world.ask('GET', '/settings/usage', { token: world.ada.token })).status).toBe(403)
  })

  test('days count whole, and what is none is told at its field', async () => {
    const today = new Date().toISOString().slice(0, 10)
    expect(calls((await see(`?period=between&from=${today}&to=${today}`)).text)).toEqual([3, 1])
    expect((await see('?period=between&from=2020-01-01&to=2020-01-31')).text).toContain('No calls in this time')
    for (const [from, to] of [
      ['2026-02-30', ''],
      ['', "2026-01-01'--"],
      ['0000-01-01', ''],
      ['', '9999-12-31'],
      ['-1', '<script>alert(1)</script>'],
    ] as const) {
      const refused = await see(`?${new URLSearchParams({ period: 'between', from, to })}`)
      expect(refused.status, `${from} ${to}`).toBe(422)
      expect(refused.text).toMatch(/id="field-(from|to)-error"/)
      expect(refused.text).not.toContain('<script>alert')
    }
    for (const query of ['from=2026-03-01&to=2026-02-01', 'from=2020-01-01&to=2026-01-01']) {
      const refused = await see(`?period=between&${query}`)
      expect(refused.status, query).toBe(422)
      expect(refused.text).toContain('role="alert"')
    }
    expect((await see("?group_by=model'--&period=ever")).status).toBe(200)
  })

  test('the administration of the hub sees how many calls there were, of how many models', async () => {
    await makeUser(world.site, 'hugo', { password, isAdmin: true })
    const hugo = await signInAs(world.site, { name: 'hugo', password })
    const words = (await see('', hugo, '/admin')).text.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')
    expect(words).toContain('Calls in the last 24 hours 4 1 of them failed. Models that answer 2 Servers left alone 0')
    for (let call = 0; call < 2; call++) await world.chat('acme/m2', world.ada.token)
    const later = (await see('', hugo, '/admin')).text.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')
    expect(later).toContain('Servers left alone 1 They failed several times in a row')
    expect((await see('', ada, '/admin')).status).toBe(403)
  })

  // The story: somebody of the organization, or of none, wants to know who calls what there and how much it pays.
  test('is for administrators; of a hidden organization nothing is told', async () => {
    const carl = await world.ask('GET', '/organizations/acme/settings/usage', { token: world.carl.token })
    expect(carl.status).toBe(403)
    const refused = await see('', bob)
    expect(refused.status).toBe(403)
    expect(refused.headers.get('x-hub-denied')).toContain('role')
    expect(refused.text).not.toContain(model)
    expect((await see('', bob, '/organizations/nothing/settings/usage')).status).toBe(404)
    expect((await see('', '')).status).toBe(303)
  })
})
