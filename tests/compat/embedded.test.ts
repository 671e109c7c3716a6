/** Models that the hub runs itself, as a new user comes to them, with unmodified clients. INF-1 to INF-6. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EmbeddedWorld, startEmbeddedHub } from '../support/embedded.ts'
import { makeAccountToken, makeServiceAccount } from '../support/service-accounts.ts'
import {
  alphabetModel,
  answerModel,
  colourModel,
  embeddingModel,
  entailmentModel,
  entityModel,
  type ModelFiles,
  maskModel,
  redPoint,
  rewritingModel,
  sentimentModel,
} from '../support/tiny-models.ts'
import { findPython, runClient } from './clients.ts'

const python = findPython('inference')
const run = promisify(execFile)
const models: Readonly<Record<string, readonly [ModelFiles, string]>> = {
  sentences: [embeddingModel(), 'sentence-similarity'],
  sentiment: [sentimentModel(), 'text-classification'],
  entities: [entityModel(), 'token-classification'],
  mask: [maskModel(), 'fill-mask'],
  answers: [answerModel(), 'question-answering'],
  entailment: [entailmentModel(), 'zero-shot-classification'],
  rewriting: [rewritingModel(), 'text2text-generation'],
  letters: [alphabetModel(), 'text-generation'],
  colours: [colourModel(), 'image-classification'],
}

describe.skipIf(python === null)('models that the hub runs, called by clients', () => {
  let world: EmbeddedWorld
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-embedded-'))
    world = await startEmbeddedHub('sqlite', { HOLDFAST_LOG_LEVEL: 'silent' })
    for (const [name, [files, tag]] of Object.entries(models)) {
      const all = { ...files, 'README.md': Buffer.from(`---\npipeline_tag: ${tag}\n---\n`) }
      for (const [at, content] of Object.entries(all)) {
        const to = path.join(folder, 'models', name, at)
        await mkdir(path.dirname(to), { recursive: true })
        await writeFile(to, content)
      }
    }
    await writeFile(path.join(folder, 'red.png'), redPoint)
  })
  afterAll(async () => {
    await world?.site.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const client = (token: string, args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    runClient(python ?? '', [path.join(import.meta.dirname, 'python/call_embedded.py'), ...args], {
      env: {
        ...{ HUB: world.site.url, TOKEN: token, MODELS: path.join(folder, 'models') },
        ...{ PICTURE: path.join(folder, 'red.png'), ...more },
      },
      timeoutMs: 120_000,
    })

  test('story: an embedding model is uploaded, made private, called by a service account with every client, refused with the reason, and counted', async () => {
    const { site, ask, ada, acme } = world
    const uploaded = await client(ada.token, ['upload'])
    expect(uploaded.code, uploaded.stderr).toBe(0)
    expect(JSON.parse(uploaded.stdout)).toMatchObject({
      private: true,
      files: expect.arrayContaining(['config.json', 'onnx/model.onnx', 'tokenizer.json']),
    })
    for (const name of Object.keys(models)) {
      const set = await world.attach(`acme/${name}`)
      expect(set.status, set.text).toBe(200)
      expect(set.json()).toMatchObject({ backends: [], embedded: { state: 'not loaded', isInstalled: true } })
    }
    const account = await makeServiceAccount(site, acme, 'search', 'read')
    const token = await makeAccountToken(site, acme, account)
    const weak = await makeAccountToken(site, acme, account, ['org:acme=repo.content.read'])

    const called = await client(token, ['call', 'all'], { WEAK: weak })
    expect(called.code, called.stderr).toBe(0)
    const out = JSON.parse(called.stdout) as Record<string, unknown>
    const features = out.features as number[]
    const length = Math.hypot(...features)
    expect(out).toMatchObject({
      models: Object.keys(models)
        .map((name) => `acme/${name}`)
        .sort(),
      similarity: [expect.closeTo(1, 5), expect.any(Number)],
      openai: [2, features.map((one) => expect.closeTo(one / length, 5)), 7],
      weak: [403, expect.stringContaining('inference.serverless.write')],
      weak_openai: ['token_permission', expect.stringContaining('inference.serverless.write')],
      sentiment: ['POSITIVE', 'NEGATIVE'],
      entities: [
        ['PER', 'ada', 0, 3],
        ['LOC', 'paris', 13, 18],
      ],
      mask: ['cat', 'dog'],
      answer: ['Paris', 13, 18],
      zero_shot: ['animal', 'city'],
      summary: 'a b c d e',
      translation: 'a b c d e',
      generated: 'c d',
      generated_stream: ['c d', 'length', 2],
      picture: ['red', 'green', 'blue'],
      picture_top: ['red'],
      chat: 'b c d e',
      streamed: 'b c d e',
      openai_streamed: 'b c d e',
    })
    expect((out.similarity as number[])[1]).toBeLessThan(0.999)

    // As the guide has it; without a Content-Type too, as people type it.
    const curl = async (auth: string, ...more: readonly string[]) => {
      const { stdout } = await run('curl', [
        '-s',
        '-w',
        '\n%{http_code}',
        ...more,
        '-H',
        `Authorization: Bearer ${auth}`,
      ])
      const at = stdout.lastIndexOf('\n')
      return { status: Number(stdout.slice(at + 1)), json: JSON.parse(stdout.slice(0, at)) as unknown }
    }
    const address = `${site.url}/models/acme/sentences/pipeline/feature-extraction`
    const told = await curl(token, address, '-d', '{"inputs": "the dog"}')
    expect(told).toEqual({ status: 200, json: features.map((one) => expect.closeTo(one, 5)) })
    const picture = await curl(
      token,
      `${site.url}/models/acme/colours`,
      '--data-binary',
      `@${path.join(folder, 'red.png')}`,
    )
    expect(picture).toMatchObject({ status: 200, json: [{ label: 'red' }, {}, {}] })
    expect(await curl(weak, address, '-d', '{"inputs": "the dog"}')).toMatchObject({
      status: 403,
      json: { denied: { code: 'token_permission', need: 'inference.serverless.write' } },
    })
    // Who is of nothing does not learn that there is such a model.
    expect((await curl(world.bob.token, address, '-d', '{"inputs": "the dog"}')).status).toBe(404)

    await world.usage()
    const usage = async (by: string) => {
      const answer = await ask('GET', `/api/organizations/acme/usage?group_by=${by}`, { token: ada.token })
      return answer.json<{
        groups: { key: string; name: string; calls: number; tokensIn: number; callsWithoutTokens: number }[]
      }>().groups
    }
    expect(await usage('backend')).toMatchObject([{ key: 'embedded', callsWithoutTokens: 0 }])
    expect((await usage('principal')).map(({ name }) => name)).toEqual(['search'])
    const ofSentences = (await usage('model')).find(({ name }) => name === 'acme/sentences')
    // 4 + (4 + 4 + 4) + (4 + 3) + 4 tokens in four calls.
    expect(ofSentences).toMatchObject({ calls: 4, failed: 0, tokensIn: 27, tokensOut: 0 })
    const events = await ask('GET', '/api/organizations/acme/audit-log/export?limit=100', { token: ada.token })
    expect(events.text).toContain('the hub itself')
    expect(await world.stateOf('acme/sentences')).toMatchObject({ state: 'loaded' })
  }, 180_000)
})
