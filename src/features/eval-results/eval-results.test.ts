/** GPG-12: evaluation results with who vouches for each, with real gpg and git, on both databases. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser, signInAs, type TestUser } from '../../../tests/support/accounts.ts'
import { type Ask, asking } from '../../../tests/support/asking.ts'
import { dialects } from '../../../tests/support/databases.ts'
import { makeSigners, type Signers } from '../../../tests/support/signers.ts'
import type { TestHub } from '../../../tests/support/start-hub.ts'
import { startHubOn } from '../../../tests/support/start-hub-on.ts'

interface WireResult {
  readonly filename: string
  readonly task: string | null
  readonly metric: string | null
  readonly value: number | null
  readonly commit: string | null
  readonly verification: {
    readonly status: string
    readonly reason: string | null
    readonly signer: { readonly name: string } | null
  } | null
}

const password = 'a long enough sentence'
const cardWith = (accuracy: number, f1: number, more = '') => `---
license: mit
model-index:
- name: Harbor
  results:
  - task: {type: question-answering, name: Question answering}
    dataset: {type: acme/portcall, name: PortCall-QA}
    metrics:
    - {type: accuracy, value: ${accuracy}}
    - {type: f1, value: ${f1}}
---
# Harbor
${more}
`

describe.each(dialects)('evaluation results on %s', (dialect) => {
  let site: TestHub
  let ask: Ask
  let ada: TestUser
  let signers: Signers
  let key: string
  let repos = 0

  beforeAll(async () => {
    site = await startHubOn(dialect)
    ask = asking(site)
    ada = await makeUser(site, 'ada', { tokenRole: 'write', password })
    const cookie = await signInAs(site, ada)
    signers = await makeSigners()
    key = await signers.gpgKey(`Ada <${ada.email}>`, 'ed25519')
    const body = { key: await signers.exportGpg(key) }
    expect((await ask('POST', '/api/settings/gpg-keys', { cookie, body })).status).toBe(201)
  })

  afterAll(async () => {
    await signers[Symbol.asyncDispose]()
    await site.stop()
  })

  /** Commits these files, signed or not; gives the commit. */
  async function commit(files: Record<string, string>, isSigned: boolean): Promise<string> {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(signers.folder, 'repo', name)
      await mkdir(path.dirname(file), { recursive: true })
      await writeFile(file, text)
    }
    await signers.sh('git add -A')
    return await signers.commit({ email: ada.email, message: 'results', ...(isSigned ? { gpg: key } : {}) })
  }

  async function newRepo(): Promise<string> {
    const name = `r${++repos}`
    expect((await ask('POST', '/api/repos/create', { token: ada.token, body: { name } })).status).toBe(200)
    await signers.sh('git rm -rfq --ignore-unmatch .')
    return `ada/${name}`
  }

  async function push(repo: string): Promise<void> {
    await signers.sh(`git push -q -f ${site.url.replace('://', `://x:${ada.token}@`)}/${repo} HEAD:main`)
  }

  async function resultsOf(repo: string): Promise<WireResult[]> {
    const answer = await ask('GET', `/api/models/${repo}/eval-results/main`)
    expect(answer.status, answer.text).toBe(200)
    return answer.json<WireResult[]>()
  }

  it('GPG-12: each result of model-index has status, reason and signer of the commit that last changed it', async () => {
    const repo = await newRepo()
    const first = await commit({ 'README.md': cardWith(78.9, 86.2) }, true)
    // Another commit that touches the card and no result of it changes nothing.
    await commit({ 'README.md': cardWith(78.9, 86.2, 'More words.') }, false)
    await push(repo)
    const [accuracy, f1] = await resultsOf(repo)
    expect(accuracy).toMatchObject({
      filename: 'README.md',
      task: 'Question answering',
      metric: 'accuracy',
      value: 78.9,
      commit: first,
      verification: { status: 'verified', reason: null, signer: { type: 'user', name: 'ada' } },
    })
    expect(f1).toMatchObject({ metric: 'f1', value: 86.2, commit: first })
    const page = await (await fetch(`${site.url}/${repo}`)).text()
    expect(page).toMatch(/PortCall-QA, accuracy[\s\S]{0,400}78\.9[\s\S]{0,600}Verified/)

    const second = await commit({ 'README.md': cardWith(99.9, 86.2, 'More words.') }, false)
    await push(repo)
    const changed = await resultsOf(repo)
    expect(changed[0]).toMatchObject({ value: 99.9, commit: second, verification: { status: 'none', signer: null } })
    expect(changed[1]).toMatchObject({ value: 86.2, commit: first, verification: { status: 'verified' } })
    const unsigned = await (await fetch(`${site.url}/${repo}`)).text()
    expect(unsigned).toMatch(/PortCall-QA, accuracy[\s\S]{0,400}99\.9[\s\S]{0,300}unsigned/)
  })

  it('GPG-12: entries of .eval_results too, in the form that huggingface_hub reads', async () => {
    const repo = await newRepo()
    const entry = (value: number) =>
      `- dataset: {id: cais/hle, task_id: default}\n  value: ${value}\n  notes: no-tools\n`
    const bad = '- dataset: 7\n- just words\n'
    const signed = await commit({ '.eval_results/hle.yaml': entry(20.9), '.eval_results/bad.yaml': bad }, true)
    await push(repo)
    const info = await ask('GET', `/api/models/${repo}?expand=evalResults`)
    expect(info.json<{ evalResults: unknown }>().evalResults).toEqual([
      {
        filename: '.eval_results/hle.yaml',
        data: { dataset: { id: 'cais/hle', task_id: 'default' }, value: 20.9, notes: 'no-tools' },
        commit: signed,
        verification: expect.objectContaining({ status: 'verified' }),
      },
    ])
    const forged = await commit({ '.eval_results/hle.yaml': entry(90) }, false)
    await push(repo)
    expect(await resultsOf(repo)).toMatchObject([{ value: 90, commit: forged, verification: { status: 'none' } }])
  })

  it('GPG-12: a change hidden behind a version that nobody can read is vouched for by nobody', async () => {
    // Story: Eve, who may push, raises the number in an unsigned commit that also breaks the YAML. Ada repairs the card and signs.
    const repo = await newRepo()
    await commit({ 'README.md': cardWith(50, 50) }, true)
    await commit({ 'README.md': cardWith(99, 50).replace('license: mit', 'license: [mit') }, false)
    await commit({ 'README.md': cardWith(99, 50) }, true)
    await push(repo)
    for (const one of await resultsOf(repo)) expect(one).toMatchObject({ commit: null, verification: null })
    expect(await (await fetch(`${site.url}/${repo}`)).text()).toMatch(/PortCall-QA, accuracy[\s\S]{0,600}unknown/)
  })

  it('a private repo and a revision that is not there answer as everywhere', async () => {
    const body = { name: 'hidden', private: true }
    expect((await ask('POST', '/api/repos/create', { token: ada.token, body })).status).toBe(200)
    expect((await ask('GET', '/api/models/ada/hidden/eval-results/main')).status).toBe(401)
    expect((await ask('GET', '/api/models/ada/hidden/eval-results/main', { token: ada.token })).json()).toEqual([])
    expect((await ask('GET', '/api/models/ada/hidden/eval-results/no', { token: ada.token })).status).toBe(404)
  })
})
