/** OpenAI's Responses API of models that the hub runs: whole, as a stream, and what is refused. INF-1, INF-6. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { dialects } from '../../../../tests/support/databases.ts'
import { type EmbeddedWorld, startEmbeddedHub } from '../../../../tests/support/embedded.ts'
import { alphabetModel, embeddingModel } from '../../../../tests/support/tiny-models.ts'
import { spendingOf } from '../spending.ts'

interface Event {
  readonly type: string
  readonly sequence_number: number
  readonly delta?: string
  readonly response?: { readonly status: string; readonly output: readonly unknown[] }
}

/** As many templates do, it knows three roles, and says so of others. */
const threeRoles =
  "{% for m in messages %}{% if m['role'] != 'system' and m['role'] != 'user' and m['role'] != 'assistant' %}{{ raise_exception('Unknown role ' + m['role']) }}{% endif %}{{ m['content'] }} {% endfor %}"

describe.each(dialects)('the Responses API of models that the hub runs, on %s', (dialect) => {
  let world: EmbeddedWorld
  let model: string
  let endless: string
  beforeAll(async () => {
    world = await startEmbeddedHub(dialect, { HOLDFAST_LOG_LEVEL: 'silent' })
    model = await world.run(alphabetModel({ template: threeRoles }), { tag: 'text-generation', isPrivate: true })
    endless = await world.run(alphabetModel({ isEndless: true, most: 100_000 }), { tag: 'text-generation' })
  })
  afterAll(async () => {
    await world?.host.stop()
    await world?.site.stop()
  })

  const post = (body: object, headers: Readonly<Record<string, string>> = {}) =>
    world.ask('POST', '/v1/responses', { token: world.ada.token, body: { model, ...body }, headers })
  const begin = (body: object, signal?: AbortSignal) =>
    fetch(`${world.site.url}/v1/responses`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.ada.token}`,
        'content-type': 'application/json',
        'x-hf-bill-to': 'acme',
      },
      body: JSON.stringify({ stream: true, ...body }),
      ...(signal === undefined ? {} : { signal }),
    })
  const eventsIn = (text: string): Event[] =>
    text
      .split('\n\n')
      .filter((block) => block !== '')
      .map((block) => {
        const [named = '', data = ''] = block.split('\n')
        const event = JSON.parse(data.replace(/^data: /, '')) as Event
        expect(named).toBe(`event: ${event.type}`)
        return event
      })
  const message = (text: string, status = 'completed') => ({
    id: expect.stringMatching(/^msg_/),
    type: 'message',
    status,
    role: 'assistant',
    content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
  })
  const used = (input: number, output: number) => ({
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  })

  test('a text is answered, in every field that clients read', async () => {
    const told = { metadata: { run: '7' }, user: 'u1', temperature: 0, top_p: 1, instructions: 'the cat' }
    const answer = await post({ input: 'a b', ...told, store: false })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json()).toEqual({
      ...{ id: expect.stringMatching(/^resp_/), object: 'response', status: 'completed', model, ...told },
      ...{ created_at: expect.any(Number), completed_at: expect.any(Number), error: null, incomplete_details: null },
      output: [message('c d e')],
      // "the cat a b"; three letters and the end.
      usage: used(4, 4),
      ...{ background: false, max_output_tokens: null, max_tool_calls: null, parallel_tool_calls: true },
      ...{ previous_response_id: null, prompt_cache_key: null, reasoning: { effort: null, summary: null } },
      ...{ safety_identifier: null, service_tier: 'default', store: false, text: { format: { type: 'text' } } },
      ...{ tool_choice: 'auto', tools: [], top_logprobs: 0, truncation: 'disabled' },
    })
  })

  test('messages of all roles, in texts and parts, also as an answer has them, are the prompt', async () => {
    const [first] = (await post({ input: 'c' })).json<{ output: object[] }>().output
    const input = [
      { role: 'developer', content: 'the' },
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'cat ' },
          { type: 'input_text', text: 'c' },
        ],
      },
      first,
      { role: 'user', content: 'b' },
    ]
    const answer = await post({ input, instructions: 'dog' })
    expect(answer.status, answer.text).toBe(200)
    // "dog", "the", "cat c", "d e" and "b".
    expect(answer.json()).toMatchObject({ output: [message('c d e')], usage: used(7, 4) })
    const cut = await post({ input, max_output_tokens: 2 })
    expect(cut.json()).toMatchObject({
      ...{ status: 'incomplete', completed_at: null, incomplete_details: { reason: 'max_output_tokens' } },
      ...{ max_output_tokens: 2, output: [message('c d', 'incomplete')], usage: used(6, 2) },
    })
    const named = await world.ask('POST', `/models/${model}/v1/responses`, {
      token: world.ada.token,
      body: { input: 'a' },
    })
    expect(named.json()).toMatchObject({ model, output: [message('b c d e')] })
  })

  test('a stream has each event once, in order and numbered, with the same words and counts', async () => {
    const asked = { input: 'a', metadata: { run: '7' } }
    const answer = await post({ ...asked, stream: true, stream_options: { include_obfuscation: false } })
    expect(answer.headers.get('content-type')).toContain('text/event-stream')
    const events = eventsIn(answer.text)
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()])
    const isDelta = ({ type }: Event) => type === 'response.output_text.delta'
    expect(events.filter(isDelta).length).toBeGreaterThan(1)
    expect(events.map(({ delta = '' }) => delta).join('')).toBe('b c d e')
    const [created, inProgress, itemAdded, partAdded, ...rest] = events.filter((event) => !isDelta(event))
    const empty = { status: 'in_progress', output: [], usage: null, completed_at: null, metadata: { run: '7' } }
    expect(created).toMatchObject({ type: 'response.created', response: empty })
    expect(inProgress).toEqual({ ...created, type: 'response.in_progress', sequence_number: 1 })
    expect(itemAdded).toMatchObject({
      type: 'response.output_item.added',
      ...{ output_index: 0, item: { ...message('', 'in_progress'), content: [] } },
    })
    const at = {
      item_id: (itemAdded as unknown as { item: { id: string } }).item.id,
      output_index: 0,
      content_index: 0,
    }
    const [part] = message('').content
    expect(partAdded).toMatchObject({ type: 'response.content_part.added', ...at, part })
    expect(events.find(isDelta)).toMatchObject({ ...at, logprobs: [] })
    expect(rest).toMatchObject([
      { type: 'response.output_text.done', ...at, text: 'b c d e', logprobs: [] },
      { type: 'response.content_part.done', ...at, part: { ...part, text: 'b c d e' } },
      { type: 'response.output_item.done', output_index: 0, item: { ...message('b c d e'), id: at.item_id } },
      { type: 'response.completed' },
    ])
    const whole = (await post(asked)).json<object>()
    const own = { id: expect.any(String), created_at: expect.any(Number), completed_at: expect.any(Number) }
    expect(events.at(-1)?.response).toEqual({ ...whole, ...own, output: [message('b c d e')] })
    const cut = eventsIn((await post({ input: 'a', stream: true, max_output_tokens: 2 })).text)
    expect(cut.slice(-2)).toMatchObject([
      { item: message('b c', 'incomplete') },
      {
        type: 'response.incomplete',
        response: { incomplete_details: { reason: 'max_output_tokens' }, usage: used(1, 2) },
      },
    ])
    // After "e" comes the end: an answer of no letters is whole all the same.
    const silent = eventsIn((await post({ input: 'e', stream: true })).text)
    expect(silent.map(({ type }) => type.replace('response.', ''))).toEqual([
      ...['created', 'in_progress', 'output_item.added', 'content_part.added'],
      ...['output_text.done', 'content_part.done', 'output_item.done', 'completed'],
    ])
    const rows = (await world.usage()).slice(-4)
    expect(
      rows.map(({ route, backend, status, tokensIn, tokensOut }) => [route, backend, status, tokensIn, tokensOut]),
    ).toEqual([
      ['responses', 'embedded', 200, 1, 5],
      ['responses', 'embedded', 200, 1, 5],
      ['responses', 'embedded', 200, 1, 2],
      ['responses', 'embedded', 200, 1, 1],
    ])
  })

  // The attack: fields that would change the answer and are passed over in silence, and nonsense at every depth.
  test('what cannot be done is refused, by its name or place, in the dialect of the API', async () => {
    const refused = async (body: object) => {
      const { status, json } = await post({ input: 'a', ...body })
      const { error } = json<{ error: { message: string; type: string } | null }>()
      return `${status} ${error?.type} ${error?.message}`
    }
    const image = { type: 'input_image', image_url: 'https://example.org/cat.png' }
    const cases: readonly (readonly [object, string])[] = [
      [{ input: null }, '"input": a text, or a list of messages.'],
      [{ input: '' }, '"input"'],
      [{ input: [] }, '"input"'],
      [{ input: [{ role: 'tool', content: 'a' }] }, '"input.0.role"'],
      [
        {
          input: [
            { role: 'user', content: 'a' },
            { type: 'function_call_output', call_id: 'c', output: '7' },
          ],
        },
        '"input.1.type"',
      ],
      [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, '"input.0.type"'],
      [
        { input: [{ role: 'user', content: [image] }] },
        '"input.0.content.0.type": models that the hub runs itself read texts',
      ],
      [{ input: [{ role: 'user', content: 7 }] }, '"input.0.content": a text, or a list of parts.'],
      [{ tools: [{ type: 'web_search' }] }, '"tools": models that the hub runs itself call no tools.'],
      [{ tool_choice: 'required' }, '"tool_choice"'],
      [
        { text: { format: { type: 'json_schema', name: 'n', schema: {} } } },
        '"text.format.type": models that the hub runs itself answer with plain text.',
      ],
      [{ text: { verbosity: 'low' } }, '"text.verbosity"'],
      [{ reasoning: { effort: 'high' } }, '"reasoning.effort"'],
      [{ include: ['message.output_text.logprobs'] }, '"include": nothing beside the text'],
      [{ top_logprobs: 3 }, '"top_logprobs": probabilities are not told.'],
      [{ truncation: 'auto' }, '"truncation": what is too long is refused'],
      [{ prompt: { id: 'pmpt_1' } }, '"prompt": models that the hub runs itself do not know it.'],
      [{ service_tier: 'flex' }, '"service_tier"'],
      [{ max_output_tokens: 0 }, '"max_output_tokens"'],
      [{ temperature: 3 }, '"temperature"'],
      [{ stream_options: { include_obfuscation: true } }, '"stream_options.include_obfuscation"'],
      [{ metadata: { a: 7 } }, '"metadata.a"'],
      [{ metadata: Object.fromEntries([...Array(17).keys()].map((n) => [n, ''])) }, '"metadata": at most 16 pairs.'],
      [{ user: 'u'.repeat(513) }, '"user"'],
      [{ max_tokens: 5 }, 'Unrecognized key: "max_tokens"'],
      [{ input: 'a '.repeat(80) }, 'The prompt has 80 tokens; this model takes at most 64'],
      [{ input: 'a '.repeat(80), stream: true }, 'The prompt has 80 tokens; this model takes at most 64'],
      [{ input: 'a', instructions: 'a'.repeat(1_000_001) }, '1000002 characters'],
    ]
    for (const [body, words] of cases) {
      const said = await refused(body)
      expect(said).toContain('400 invalid_request_error ')
      expect(said).toContain(words)
    }
    const vectors = await world.run(embeddingModel(), { tag: 'sentence-similarity' })
    expect(await refused({ model: vectors })).toContain(
      'This model is for sentence-similarity, and not for text-generation',
    )
    const plain = await world.run(alphabetModel({ template: '' }), { tag: 'text-generation' })
    expect(await refused({ model: plain })).toMatch(/^400 /)
  })

  // The story: a team moves an assistant over. It keeps conversations by `previous_response_id`; were that passed over, each answer would be given
  // without what was said before, and nobody would see why they are bad. Or it says `store: true` and looks for the answer the day after.
  test('story: nobody is led to believe that something of a conversation is kept', async () => {
    const first = (await post({ input: 'a' })).json<{ id: string; store: boolean; previous_response_id: null }>()
    expect([first.store, first.previous_response_id]).toEqual([false, null])
    for (const [field, value] of [
      ['previous_response_id', first.id],
      ['conversation', 'conv_1'],
      ['store', true],
      ['background', true],
    ] as const) {
      const answer = await post({ input: 'b', [field]: value })
      expect([answer.status, answer.json()]).toEqual([
        400,
        { error: expect.objectContaining({ message: expect.stringMatching(new RegExp(`"${field}": .* kept here`)) }) },
      ])
    }
    const later = await world.ask('GET', `/v1/responses/${first.id}`, { token: world.ada.token })
    expect(later.status).toBe(404)
  })

  // The story: the process that runs models dies while it writes an answer; a client that puts the parts together files half a sentence as the whole.
  test('story: a stream that breaks off ends with a failure, behind all that was said, and never as if it were whole', async () => {
    const answer = await begin({ model: endless, input: 'a', max_output_tokens: 4_096 })
    expect(answer.status).toBe(200)
    const { pid } = world.host
    if (pid === null || answer.body === null) throw new Error('Nothing runs.')
    let text = ''
    let isKilled = false
    const reading = (async () => {
      const decoder = new TextDecoder()
      for await (const chunk of answer.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true })
        if (isKilled || !text.includes('output_text.delta')) continue
        isKilled = true
        process.kill(pid, 'SIGKILL')
      }
    })()
    // The connection is cut as well.
    await expect(reading).rejects.toThrow('terminated')
    const events = eventsIn(text)
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual([...events.keys()])
    const message = expect.stringContaining('The server of this model failed')
    expect(events.slice(-2)).toMatchObject([
      {
        type: 'response.failed',
        response: { status: 'failed', error: { code: 'server_error', message }, output: [], completed_at: null },
      },
      { type: 'error', code: 'server_error', message, param: null, error: { code: 'server_error', message } },
    ])
    expect(events.some(({ type }) => type === 'response.completed' || type.endsWith('.done'))).toBe(false)
    await vi.waitFor(async () =>
      expect((await world.usage()).at(-1)).toMatchObject({ status: 502, route: 'responses' }),
    )
    // It starts again.
    await vi.waitFor(async () => expect((await post({ input: 'a' })).status).toBe(200), {
      timeout: 20_000,
      interval: 500,
    })
  }, 60_000)

  // The story: tokens are counted at the end of a stream. A member under a limit reads their answer and hangs up right before that, as often as they like.
  test('story: who leaves before the end ends the work, and is held to what came', async () => {
    const limits = '/api/organizations/acme/inference-limits'
    const spent = async () => {
      const answer = await world.ask('GET', limits, { token: world.ada.token })
      return answer.json<{ organization: { used: { tokensPerMonth: number } } }>().organization.used.tokensPerMonth
    }
    const set = await world.ask('PUT', limits, {
      token: world.ada.token,
      body: { organization: { tokensPerMonth: 1_000_000 } },
    })
    expect(set.status, set.text).toBe(200)
    const before = await spent()
    const leaving = new AbortController()
    const answer = await begin(
      { model: endless, input: 'a b '.repeat(10_000), max_output_tokens: 4_096 },
      leaving.signal,
    )
    let text = ''
    const reading = (async () => {
      for await (const chunk of answer.body ?? []) {
        text += Buffer.from(chunk as Uint8Array).toString('latin1')
        if (text.split('output_text.delta').length > 20) leaving.abort()
      }
    })()
    await expect(reading).rejects.toThrow()
    await vi.waitFor(async () =>
      expect((await world.usage()).at(-1)).toMatchObject({ status: 499, tokensIn: null, backend: 'embedded' }),
    )
    await vi.waitFor(() => expect(world.host.underWay).toBe(0), { timeout: 10_000 })
    const more = (await spent()) - before
    // One for four letters of what was sent, and each event that came.
    expect(more).toBeGreaterThanOrEqual(10_010)
    expect(more).toBeLessThan(14_200)

    // What was told is counted to the token, and a limit that is used up refuses the next.
    const told = await post({ input: 'a' }, { 'x-hf-bill-to': 'acme' })
    expect(told.status).toBe(200)
    expect(await spent()).toBe(before + more + 6)
    await world.ask('PUT', limits, { token: world.ada.token, body: { organization: { tokensPerMonth: 6 } } })
    spendingOf(world.site.hub).forgetLimits()
    const refused = await post({ input: 'a', stream: true }, { 'x-hf-bill-to': 'acme' })
    expect([refused.status, refused.json()]).toMatchObject([429, { error: { code: 'insufficient_quota' } }])
    await world.ask('PUT', limits, { token: world.ada.token, body: {} })
    spendingOf(world.site.hub).forgetLimits()
  }, 60_000)
})
