/** The Responses API of models that the hub runs, by the `openai` packages for Python and JavaScript, unmodified. INF-1. */
import path from 'node:path'
import OpenAI, { APIError, BadRequestError } from 'openai'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { dialects } from '../support/databases.ts'
import { type EmbeddedWorld, startEmbeddedHub } from '../support/embedded.ts'
import { alphabetModel } from '../support/tiny-models.ts'
import { findPython, runClient } from './clients.ts'

const python = findPython('inference')
const eventNames = [
  ...['created', 'in_progress', 'output_item.added', 'content_part.added', 'output_text.delta'],
  ...['output_text.done', 'content_part.done', 'output_item.done', 'completed'],
].map((name) => `response.${name}`)

describe.each(dialects)('clients of the Responses API of models that the hub runs, on %s', (dialect) => {
  let world: EmbeddedWorld
  let model: string
  let endless: string
  beforeAll(async () => {
    world = await startEmbeddedHub(dialect, { HOLDFAST_LOG_LEVEL: 'silent' })
    model = await world.run(alphabetModel(), { tag: 'text-generation', isPrivate: true })
    endless = await world.run(alphabetModel({ isEndless: true, most: 100_000 }), { tag: 'text-generation' })
  })
  afterAll(async () => {
    await world?.host.stop()
    await world?.site.stop()
  })

  /** The process that runs models, which is there once one was called. */
  async function processOfModels(): Promise<number> {
    const body = { model: endless, input: 'a', max_output_tokens: 1 }
    await vi.waitFor(
      async () => expect((await world.ask('POST', '/v1/responses', { token: world.ada.token, body })).status).toBe(200),
      { timeout: 20_000, interval: 300 },
    )
    const { pid } = world.host
    if (pid === null) throw new Error('Nothing runs.')
    return pid
  }
  const isLeft = async () => {
    await vi.waitFor(
      async () => expect((await world.usage()).at(-1)).toMatchObject({ status: 499, route: 'responses' }),
      {
        timeout: 10_000,
      },
    )
    await vi.waitFor(() => expect(world.host.underWay).toBe(0), { timeout: 10_000 })
  }

  describe.skipIf(python === null)('openai for Python', () => {
    const client = async (args: readonly string[], more: Readonly<Record<string, string>> = {}) => {
      const env = { HUB: world.site.url, TOKEN: world.ada.token, MODEL: model, ENDLESS: endless, ...more }
      const ran = await runClient(python ?? '', [path.join(import.meta.dirname, 'python/call_responses.py'), ...args], {
        env,
        timeoutMs: 60_000,
      })
      expect(ran.code, ran.stderr).toBe(0)
      return JSON.parse(ran.stdout) as unknown
    }

    test('reads whole answers by its own types, and raises what is refused', async () => {
      const refusal = (words: string) => [400, 'bad_request', expect.stringContaining(words)]
      expect(await client(['whole'])).toEqual({
        first: ['b c d e', 'completed', 2, 5, { run: '7' }],
        second: ['c d', 'incomplete', 'max_output_tokens', 9],
        ...{ dumped: 'd e', at_address: 'b c d e', async: 'b c d e', retrieved: 404 },
        stored: refusal('"store": answers are not kept here'),
        previous: refusal('"previous_response_id": nothing of a conversation is kept here'),
        tools: refusal('"tools"'),
        image: refusal('"input.0.content.0.type"'),
      })
    }, 90_000)

    test('reads streams event by event, and put together', async () => {
      const told = (await client(['stream'])) as { types: string[]; numbers: number[]; snapshots: string[] }
      expect([...new Set(told.types)]).toEqual(eventNames)
      expect(told.numbers).toEqual([...told.numbers.keys()])
      expect(told.snapshots.at(-1)).toBe('b c d e')
      expect(told).toMatchObject({
        text: 'b c d e',
        final: ['b c d e', 6],
        cut: ['response.incomplete', 'b c', 'max_output_tokens'],
      })
    }, 90_000)

    test('raises where a stream breaks off, and ends the work where it leaves', async () => {
      expect(await client(['broken'], { KILL: String(await processOfModels()) })).toEqual({
        raised: ['server_error', expect.stringContaining('The server of this model failed')],
        last: ['response.failed', 'failed', 'server_error'],
      })
      await processOfModels()
      expect(await client(['leave'])).toEqual({ left: true })
      await isLeft()
    }, 120_000)
  })

  describe('openai for JavaScript', () => {
    const openai = () => new OpenAI({ baseURL: `${world.site.url}/v1`, apiKey: world.ada.token, maxRetries: 0 })

    test('reads whole answers, sends them back, and raises what is refused', async () => {
      const client = openai()
      const first = await client.responses.create({ model, input: 'a', instructions: 'the' })
      expect([first.output_text, first.status, first.usage?.total_tokens]).toEqual(['b c d e', 'completed', 7])
      const input = [...first.output, { role: 'user' as const, content: 'b' }] as OpenAI.Responses.ResponseInput
      const second = await client.responses.create({ model, input, store: false, max_output_tokens: 2 })
      expect([second.output_text, second.incomplete_details]).toEqual(['c d', { reason: 'max_output_tokens' }])
      const refused = client.responses.create({ model, input: 'a', previous_response_id: first.id })
      await expect(refused).rejects.toBeInstanceOf(BadRequestError)
      await expect(refused).rejects.toThrow('nothing of a conversation is kept here')
    })

    test('reads streams event by event, and put together', async () => {
      const client = openai()
      const types = new Set<string>()
      let text = ''
      for await (const event of await client.responses.create({ model, input: 'a', stream: true })) {
        types.add(event.type)
        if (event.type === 'response.output_text.delta') text += event.delta
      }
      expect([text, [...types]]).toEqual(['b c d e', eventNames])
      const stream = client.responses.stream({ model, input: 'a' })
      const snapshots: string[] = []
      stream.on('response.output_text.delta', ({ snapshot }) => snapshots.push(snapshot))
      const final = await stream.finalResponse()
      expect(snapshots.at(-1)).toBe('b c d e')
      expect([final.output_text, final.status, final.usage?.output_tokens]).toEqual(['b c d e', 'completed', 5])
      const cut = await client.responses.stream({ model, input: 'a', max_output_tokens: 2 }).finalResponse()
      expect([cut.status, cut.output_text]).toEqual(['incomplete', 'b c'])
    })

    test('raises where a stream breaks off, event by event and put together, and ends the work where it leaves', async () => {
      const client = openai()
      const asked = { model: endless, input: 'a', max_output_tokens: 4_096 }
      let pid = await processOfModels()
      const seen: string[] = []
      const reading = (async () => {
        for await (const event of await client.responses.create({ ...asked, stream: true })) {
          seen.push(event.type)
          if (seen.length === 5) process.kill(pid, 'SIGKILL')
        }
      })()
      await expect(reading).rejects.toBeInstanceOf(APIError)
      await expect(reading).rejects.toThrow('The server of this model failed')
      expect(seen.at(-1)).toBe('response.failed')
      pid = await processOfModels()
      const stream = client.responses.stream(asked)
      let isKilled = false
      stream.on('response.output_text.delta', () => {
        if (isKilled) return
        isKilled = true
        process.kill(pid, 'SIGKILL')
      })
      await expect(stream.finalResponse()).rejects.toThrow('The server of this model failed')
      await processOfModels()
      for await (const { type } of await client.responses.create({ ...asked, stream: true })) {
        if (type === 'response.output_text.delta') break
      }
      await isLeft()
    }, 90_000)
  })
})
