/** Unmodified clients call models that a real llama.cpp, and a scripted server of embeddings, answer for. INF-1, INF-2, INF-6. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeToken } from '../support/accounts.ts'
import { hello, type InferenceWorld, startInference } from '../support/inference.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { findPython, runClient } from './clients.ts'

const python = findPython('inference')

describe.skipIf(python === null)('clients call models', () => {
  let world: InferenceWorld
  let llama: ChildProcess
  let llamaUrl: string
  let embeddings: ModelServer
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-llama-'))
    llama = spawn(python ?? '', [path.join(import.meta.dirname, '../support/tiny-llama.py'), folder], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    llamaUrl = await new Promise<string>((resolve, reject) => {
      let said = ''
      llama.stdout?.on('data', (part: Buffer) => {
        said += part.toString()
        const url = /LISTENS (\S+)/.exec(said)?.[1]
        if (url !== undefined) resolve(url)
      })
      llama.once('exit', (code) => reject(new Error(`llama.cpp ended with ${code}.`)))
    })
    embeddings = await startModelServer()
    world = await startInference('sqlite', { HOLDFAST_LOG_LEVEL: 'silent' })
  }, 60_000)
  afterAll(async () => {
    llama?.stdin?.end()
    await embeddings?.stop()
    await world?.site.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const served = (isPrivate = true) =>
    world.serve([{ url: llamaUrl, kind: 'llama.cpp', secret: 'sk-of-llama' }], { isPrivate })

  test('openai and huggingface_hub, sync and async, by base_url and by model, whole and as a stream', async () => {
    const { site, ada, usage } = world
    const chat = await served()
    const embed = await world.serve([{ url: embeddings.url, kind: 'tei' }], { isPrivate: true })
    const weak = await makeToken(site, ada, { role: 'fineGrained', scoped: ['org:acme=repo.content.read'] })
    const ran = await runClient(python ?? '', [path.join(import.meta.dirname, 'python/call_models.py')], {
      env: { HUB: site.url, TOKEN: ada.token, WEAK: weak, CHAT: chat, EMBED: embed },
      timeoutMs: 120_000,
    })
    expect(ran.code, ran.stderr).toBe(0)
    const out = JSON.parse(ran.stdout) as Record<string, unknown>
    expect(out).toMatchObject({
      models: [chat, embed].sort(),
      retrieved: chat,
      chat: [expect.any(String), 8],
      completion: 4,
      embedding: [3, 1, 0],
      unknown: ['NotFoundError', 404, 'repo_not_found'],
      nobody: ['AuthenticationError', 401, 'invalid_credentials'],
      weak: ['PermissionDeniedError', 403, 'token_permission'],
      bad: ['BadRequestError', 400, 'backend_refused'],
      hf_base_url: 4,
      hf_model: 4,
      hf_stream: true,
      hf_text: true,
      hf_text_stream: [true, true, 'length', 4, 4],
      hf_features: [3, 1, 0],
    })
    // The same words, whole and as a stream.
    expect(out.streamed).toEqual(out.chat)
    const refused = [403, expect.stringContaining('inference.serverless.write')]
    expect(out.async).toEqual([(out.chat as unknown[])[0], 4, true, [3, 1, 0], 2, refused])
    expect(out.hf_weak).toEqual(['HfHubHTTPError', 403, expect.stringContaining('inference.serverless.write')])
    const rows = await usage()
    expect(rows.filter(({ status }) => status === 200).length).toBe(16)
    expect(rows.find(({ route }) => route === 'completions')).toMatchObject({ tokensOut: 4, status: 200 })
  }, 150_000)

  test('a real server: another one answers where it is not there, and it stops when the caller leaves', async () => {
    const { site, ada, chat } = world
    const model = await world.serve([
      { url: 'http://127.0.0.1:1', kind: 'vllm', weight: 100 },
      { url: llamaUrl, kind: 'llama.cpp', secret: 'sk-of-llama' },
    ])
    const answered = await chat(model, ada.token, { max_tokens: 4 })
    expect(answered.status, answered.text).toBe(200)
    const leaving = httpRequest(`${site.url}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/json' },
    })
    leaving.on('error', () => undefined)
    leaving.end(JSON.stringify({ model, ...hello, max_tokens: 100_000, ignore_eos: true, stream: true }))
    const [begun] = (await once(leaving, 'response')) as [IncomingMessage]
    expect(begun.statusCode).toBe(200)
    await once(begun, 'data')
    leaving.destroy()
    await vi.waitFor(async () => expect((await world.usage()).at(-1)).toMatchObject({ status: 499 }), {
      timeout: 5_000,
    })
    expect((await chat(model, ada.token, { max_tokens: 2 })).status).toBe(200)
  }, 60_000)
})
