/** Each task by the classic API, with a tiny model whose answer can be told beforehand. INF-1, INF-6. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EmbeddedWorld, startEmbeddedHub } from '../../../../tests/support/embedded.ts'
import {
  alphabetModel,
  answerModel,
  colourModel,
  embeddingModel,
  embeddingTable,
  embeddingWidth,
  entailmentModel,
  entityModel,
  idOf,
  maskModel,
  redPoint,
  rewritingModel,
  sentimentModel,
} from '../../../../tests/support/tiny-models.ts'

type Word = Parameters<typeof idOf>[0]

describe('the classic API of models that the hub runs', () => {
  let world: EmbeddedWorld
  beforeAll(async () => {
    world = await startEmbeddedHub('sqlite')
  })
  afterAll(async () => {
    await world?.host.stop()
    await world?.site.stop()
  })

  const row = (word: Word) => [
    ...embeddingTable.subarray(idOf(word) * embeddingWidth, (idOf(word) + 1) * embeddingWidth),
  ]
  const meanOf = (...all: readonly Word[]) =>
    Array.from(
      { length: embeddingWidth },
      (_, at) => all.reduce((sum, word) => sum + (row(word)[at] ?? 0), 0) / all.length,
    )
  const cosine = (a: readonly number[], b: readonly number[]) => {
    const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, one, at) => sum + one * (y[at] ?? 0), 0)
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
  }
  const near = (numbers: readonly number[]) => numbers.map((one) => expect.closeTo(one, 5))

  test('vectors are the mean of the words, padding left out, and similarities are their cosines', async () => {
    const model = await world.run(embeddingModel(), { tag: 'sentence-similarity' })
    expect(await world.stateOf(model)).toMatchObject({ state: 'not loaded', isInstalled: true })
    const cat = meanOf('[CLS]', 'the', 'cat', 'sat', '[SEP]')
    const dog = meanOf('[CLS]', 'dog', '[SEP]')
    const at = `${model}/pipeline/feature-extraction`
    const one = await world.call(at, { inputs: 'The cat sat' })
    expect(one.status, one.text).toBe(200)
    expect(one.json()).toEqual(near(cat))
    // Both at once: the shorter one is padded.
    expect((await world.call(at, { inputs: ['The cat sat', 'dog'] })).json()).toEqual([near(cat), near(dog)])
    const long = await world.call(at, { inputs: 'dog', normalize: true })
    const length = Math.hypot(...dog)
    expect(long.json()).toEqual(near(dog.map((value) => value / length)))
    const similar = await world.call(model, { inputs: { source_sentence: 'dog', sentences: ['The cat sat', 'dog'] } })
    expect(similar.json()).toEqual(near([cosine(dog, cat), 1]))
    expect(await world.stateOf(model)).toMatchObject({ state: 'loaded', memory: expect.any(Number), why: null })
    expect(world.host.loads).toBe(1)
    const rows = await world.usage()
    expect(
      rows.map(({ backend, route, tokensIn, tokensOut, status }) => [backend, route, tokensIn, tokensOut, status]),
    ).toEqual([
      ['embedded', 'feature-extraction', 5, 0, 200],
      ['embedded', 'feature-extraction', 8, 0, 200],
      ['embedded', 'feature-extraction', 3, 0, 200],
      ['embedded', 'sentence-similarity', 11, 0, 200],
    ])
  })

  test('vectors are of length 1 where the model says so', async () => {
    const model = await world.run(embeddingModel({ isNormalized: true }))
    const answer = await world.call(`${model}/pipeline/feature-extraction`, { inputs: 'dog' })
    expect(Math.hypot(...answer.json<number[]>())).toBeCloseTo(1, 5)
  })

  test('text-classification, by what its configuration says that it is', async () => {
    const model = await world.run(sentimentModel())
    const answer = await world.call(model, { inputs: 'a good cat' })
    expect(answer.status, answer.text).toBe(200)
    const sure = 1 / (1 + Math.exp(-4))
    expect(answer.json()).toEqual([
      [
        { label: 'POSITIVE', score: expect.closeTo(sure, 4) },
        { label: 'NEGATIVE', score: expect.closeTo(1 - sure, 4) },
      ],
    ])
    const two = await world.call(model, {
      inputs: ['good', 'bad'],
      parameters: { top_k: 1, function_to_apply: 'none' },
    })
    expect(two.json()).toEqual([[{ label: 'POSITIVE', score: 4 }], [{ label: 'NEGATIVE', score: 4 }]])
  })

  test('zero-shot-classification', async () => {
    const model = await world.run(entailmentModel(), { tag: 'zero-shot-classification' })
    const answer = await world.call(model, {
      inputs: 'the cat sat',
      parameters: { candidate_labels: ['city', 'animal'] },
    })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json()).toEqual([
      { label: 'animal', score: expect.closeTo(1 / (1 + Math.exp(-2)), 4) },
      { label: 'city', score: expect.closeTo(1 / (1 + Math.exp(2)), 4) },
    ])
  })

  test('token-classification tells where the words stand', async () => {
    const model = await world.run(entityModel(), { tag: 'token-classification' })
    const answer = await world.call(model, { inputs: 'Ada lives in Paris.' })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json()).toEqual([
      { entity_group: 'PER', score: expect.closeTo(0.999, 2), word: 'ada', start: 0, end: 3 },
      { entity_group: 'LOC', score: expect.closeTo(0.999, 2), word: 'paris', start: 13, end: 18 },
    ])
  })

  test('fill-mask', async () => {
    const model = await world.run(maskModel(), { tag: 'fill-mask' })
    const answer = await world.call(model, { inputs: 'the [MASK] sat', parameters: { top_k: 2 } })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json()).toMatchObject([
      { token: idOf('cat'), token_str: 'cat', sequence: 'the cat sat' },
      { token: idOf('dog'), token_str: 'dog' },
    ])
    const none = await world.call(model, { inputs: 'the cat sat' })
    expect(none.status).toBe(400)
    expect(none.text).toContain('[MASK]')
  })

  test('question-answering tells where the answer stands', async () => {
    const model = await world.run(answerModel(), { tag: 'question-answering' })
    const answer = await world.call(model, { inputs: { question: 'Where is Ada?', context: 'Ada lives in Paris.' } })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json()).toEqual({ answer: 'Paris', score: expect.any(Number), start: 13, end: 18 })
  })

  test('summarization and translation', async () => {
    const model = await world.run(rewritingModel(), { tag: 'text2text-generation' })
    const summary = await world.call(`${model}/pipeline/summarization`, { inputs: 'the cat sat' })
    expect(summary.status, summary.text).toBe(200)
    expect(summary.json()).toEqual([{ summary_text: 'a b c d e' }])
    const translation = await world.call(`${model}/pipeline/translation`, {
      inputs: ['the cat sat', 'dog'],
      parameters: { max_new_tokens: 2 },
    })
    expect(translation.json()).toEqual([{ translation_text: 'a b' }, { translation_text: 'a b' }])
    const rows = (await world.usage()).slice(-2)
    // Five letters and the end; then twice two letters.
    expect(rows.map(({ tokensIn, tokensOut }) => [tokensIn, tokensOut])).toEqual([
      [5, 6],
      [8, 4],
    ])
  })

  test('text-generation', async () => {
    const model = await world.run(alphabetModel(), { tag: 'text-generation' })
    const answer = await world.call(model, { inputs: 'a b', parameters: { max_new_tokens: 20 } })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json()).toEqual([{ generated_text: 'c d e' }])
    const stopped = await world.call(model, { inputs: 'a', parameters: { stop: ['d'], return_full_text: true } })
    expect(stopped.json()).toEqual([{ generated_text: 'ab c ' }])
  })

  // The story: InferenceClient.text_generation(stream=True) works where a server runs the model, and is refused where the hub itself does; so does `details`.
  test('text-generation comes as a stream too, in the events of Text Generation Inference, and tells its details', async () => {
    const model = await world.run(alphabetModel(), { tag: 'text-generation' })
    const parameters = { max_new_tokens: 2, return_full_text: true, details: true, seed: 7 }
    const streamed = await world.call(model, { inputs: 'a b ', parameters, stream: true })
    expect(streamed.status, streamed.text).toBe(200)
    const events = streamed.text
      .split('\n\n')
      .filter((event) => event !== '')
      .map((event) => JSON.parse(event.replace(/^data:/, '')))
    const last = events.pop()
    expect(
      events
        .map(({ token }) => token.text)
        .join('')
        .trim(),
    ).toBe('c d')
    expect(events.map(({ index }) => index)).toEqual(events.map((_, at) => at + 1))
    for (const { generated_text, token } of events) expect([generated_text, token.special]).toEqual([null, false])
    const counted = { finish_reason: 'length', generated_tokens: 2 }
    expect(last).toMatchObject({ token: { text: '', special: true }, details: { ...counted, input_length: 2 } })
    expect(last.generated_text.trim()).toBe('a b c d')
    const whole = await world.call(model, { inputs: 'a b ', parameters })
    const details = { ...counted, seed: 7, prefill: [], tokens: [] }
    expect(whole.json()).toEqual([{ generated_text: last.generated_text, details }])
    const [one, other] = (await world.usage()).slice(-2)
    expect(one).toMatchObject({ route: 'text-generation', tokensIn: 2, tokensOut: 2, status: 200 })
    expect(other).toMatchObject({ tokensIn: 2, tokensOut: 2 })
    const refused = await world.call(model, { inputs: '', stream: true })
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('inputs')])
  })

  test('image-classification takes the bytes of an image, or Base64', async () => {
    const model = await world.run(colourModel(), { tag: 'image-classification' })
    for (const type of ['image/png', 'application/octet-stream', 'application/x-www-form-urlencoded']) {
      const response = await fetch(`${world.site.url}/models/${model}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${world.ada.token}`, 'content-type': type },
        body: redPoint,
      })
      const text = await response.text()
      expect(response.status, text).toBe(200)
      expect(JSON.parse(text)[0]).toEqual({ label: 'red', score: expect.any(Number) })
    }
    const encoded = await world.call(model, { inputs: redPoint.toString('base64'), parameters: { top_k: 1 } })
    expect(encoded.json()).toEqual([{ label: 'red', score: expect.any(Number) }])
    const broken = await world.call(model, { inputs: Buffer.from('no image at all').toString('base64') })
    expect([broken.status, broken.text]).toEqual([400, expect.stringContaining('no image')])
    const remote = await world.call(model, { inputs: 'http://127.0.0.1/cat.png' })
    expect([remote.status, remote.text]).toEqual([400, expect.stringContaining('not fetched')])
  })
})
