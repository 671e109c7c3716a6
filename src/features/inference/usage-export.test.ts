/** INF-6: single calls to take away, and what people see of their own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects } from '../../../tests/support/databases.ts'
import { type InferenceWorld, startInference } from '../../../tests/support/inference.ts'
import { type ModelServer, startModelServer } from '../../../tests/support/model-server.ts'
import { makeAccountToken, makeServiceAccount } from '../../../tests/support/service-accounts.ts'

const path = '/api/organizations/acme/usage/export'

describe.each(dialects)('the export of usage on %s', (dialect) => {
  let world: InferenceWorld
  let server: ModelServer
  let model: string
  const take = (query: string, token = world.ada.token) => world.ask('GET', `${path}${query}`, { token })

  beforeAll(async () => {
    world = await startInference(dialect, { HOLDFAST_LOG_LEVEL: 'silent' })
    server = await startModelServer()
    model = await world.serve([server.url])
    await world.ask('POST', '/api/repos/create', { token: world.bob.token, body: { name: 'own' } })
    await world.setServers('bob/own', [{ url: server.url, kind: 'vllm' }], { token: world.bob.token })
    await world.chat(model, world.ada.token)
    await world.chat(model, world.carl.token)
    await world.chat('bob/own', world.carl.token)
    await world.chat('bob/own', world.bob.token)
  })
  afterAll(async () => {
    await server.stop()
    await world.site.stop()
  })

  test('is a table or lines of JSON of what the organization pays for and what is called of its models', async () => {
    const lines = await take('?format=jsonl')
    expect(lines.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
    const calls = lines.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(calls.map(({ principal, billed, model: name, tokensIn }) => [principal, billed, name, tokensIn])).toEqual([
      ['Ada', 'Ada', model, 7],
      ['carl', 'carl', model, 7],
    ])
    const table = await take('')
    expect(table.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(table.headers.get('content-disposition')).toBe('attachment; filename="usage-acme.csv"')
    const [head, ...rows] = table.text.split('\r\n')
    expect(head).toContain('id,at,model,commit,route,principalKind,principal')
    expect(head?.split(',').length).toBe(rows[0]?.split(',').length)
    expect(rows.length).toBe(3)
    expect((await take('?from=2020-01-01&to=2020-02-01')).text).toBe(`${head}\r\n`)
    expect((await take('?from=2020-01-01&to=2020-02-01&format=jsonl')).text).toBe('')
    const events = await world.site.hub.db.read
      .selectFrom('event')
      .selectAll()
      .where('action', '=', 'org.inference_usage.export')
      .execute()
    expect(events.length).toBe(4)
  })

  test('is for administrators of the organization alone, and takes times and forms that it knows', async () => {
    expect((await take('', world.carl.token)).status).toBe(403)
    expect((await take('', world.bob.token)).status).toBe(403)
    expect((await world.ask('GET', path)).status).toBe(401)
    for (const query of ['?format=xlsx', '?from=yesterday', '?from=2020-01-01&to=2026-01-01']) {
      expect((await take(query)).status, query).toBe(400)
    }
  })

  test('has every call once, over many pages', async () => {
    const { hub } = world.site
    const [row] = await world.usage()
    if (row === undefined) throw new Error('There were calls.')
    const at = hub.clock.now() - 86_400_000 * 10
    const ids = Array.from(
      { length: 1_700 },
      (_, number) => `${at.toString(16).padStart(12, '0')}${(number + 1).toString(16).padStart(12, '0')}`,
    )
    for (let from = 0; from < ids.length; from += 100) {
      const rows = ids.slice(from, from + 100).map((id, number) => {
        const billedId = number % 2 === 0 ? world.acme.id : row.billedId
        return { ...row, id, at, billedId }
      })
      await hub.transaction((tx) => tx.insertInto('inferenceUsage').values(rows).execute())
    }
    const taken = (await take('?format=jsonl')).text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id)
    expect(taken.length).toBe(ids.length + 2)
    expect(new Set(taken).size).toBe(taken.length)
    expect(taken.slice(0, ids.length)).toEqual(ids)
  }, 30_000)

  // The story: somebody makes a service account whose name is a formula. The administrator opens the table, and the spreadsheet sends its cells away.
  test('names that spreadsheets would calculate are text', async () => {
    for (const name of ['=HYPERLINK("http://evil.example/","x")', '+1', '@SUM(1)', '-2', '"quoted", =1']) {
      const account = await makeServiceAccount(world.site, world.acme, name, 'read')
      await world.chat(model, await makeAccountToken(world.site, world.acme, account))
    }
    const { text } = await take('')
    expect(text).toContain(`,"'=HYPERLINK(""http://evil.example/"",""x"")",`)
    expect(text).toContain(`,'+1,`)
    expect(text).toContain(`,'@SUM(1),`)
    expect(text).toContain(`,'-2,`)
    expect(text).toContain(`,"""quoted"", =1",`)
  })

  test('people see what they pay for', async () => {
    const own = async (token: string, by = 'model') => {
      const answer = await world.ask('GET', `/api/settings/usage?group_by=${by}`, { token })
      expect(answer.status, answer.text).toBe(200)
      return answer.json<{ groups: { name: string; calls: number }[] }>().groups.map(({ name, calls }) => [name, calls])
    }
    expect((await own(world.carl.token)).map(([name]) => name)).toEqual(expect.arrayContaining([model, 'bob/own']))
    expect(await own(world.bob.token, 'principal')).toEqual([['bob', 1]])
    const machine = await makeServiceAccount(world.site, world.acme, 'nobody', 'read')
    const token = await makeAccountToken(world.site, world.acme, machine)
    expect((await world.ask('GET', '/api/settings/usage', { token })).status).toBe(403)
    expect((await world.ask('GET', '/api/settings/usage')).status).toBe(401)
  })
})
