/** A hub that may ask a local issuer, a repo, and the exchange as programs ask for it. */
import type { DialectName } from '../../src/platform/db/kysely-handle.ts'
import { makeOrganization, makeToken, makeUser, type TestUser } from './accounts.ts'
import { type Answer, type Ask, asker } from './ask.ts'
import { startIssuer, type TestIssuer } from './issuer.ts'
import { type StartOptions, startHub, type TestHub } from './start-hub.ts'

export interface PublisherWorld {
  readonly running: TestHub
  readonly issuer: TestIssuer
  readonly ask: Ask
  /** Administers `acme`, with a write token. */
  readonly ada: TestUser
  readonly adaToken: string
  readonly acme: { readonly id: string; readonly name: string }
  /** Has the issuer's tokens for this hub taken. Returns the publisher's id. */
  trust(
    path: string,
    claims: Readonly<Record<string, unknown>>,
    more?: Readonly<Record<string, unknown>>,
  ): Promise<string>
  exchange(idToken: string, resource: string): Promise<Answer>
  /** Signed by the issuer, for this hub. */
  idToken(claims?: Readonly<Record<string, unknown>>): Promise<string>
  stop(): Promise<void>
}

export async function startPublisherWorld(
  dialect: DialectName,
  options: Pick<StartOptions, 'clock' | 'env'> = {},
): Promise<PublisherWorld> {
  const issuer = await startIssuer()
  const running = await startHub({
    dialect,
    ...options,
    env: { HOLDFAST_OUTBOUND_ALLOW: 'localhost', ...options.env },
  })
  const ask = asker(running)
  const ada = await makeUser(running, 'ada')
  const adaToken = await makeToken(running, ada, { role: 'write' })
  const acme = await makeOrganization(running, 'acme', ada)
  return {
    running,
    issuer,
    ask,
    ada,
    adaToken,
    acme,
    trust: async (path, claims, more = {}) => {
      const answer = await ask('POST', `${path}/trusted-publishers`, adaToken, { issuer: issuer.url, claims, ...more })
      if (answer.status !== 201) throw new Error(`Not trusted: ${answer.status} ${answer.text}`)
      return answer.json<{ id: string }>().id
    },
    exchange: (subject_token, resource) =>
      ask('POST', '/oauth/token', null, {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        subject_token,
        resource,
      }),
    idToken: (claims = {}) =>
      issuer.sign({
        aud: running.url,
        sub: 'repo:acme/train',
        repository: 'acme/train',
        repository_id: '7',
        ...claims,
      }),
    stop: async () => {
      await running.stop()
      await issuer.stop()
    },
  }
}

export async function makeRepo(world: PublisherWorld, name: string, type = 'model'): Promise<void> {
  const answer = await world.ask('POST', '/api/repos/create', world.adaToken, {
    name,
    organization: 'acme',
    type,
    private: true,
  })
  if (answer.status !== 200) throw new Error(answer.text)
}

/** One small file, as clients commit it. */
export async function commitFile(world: PublisherWorld, repo: string, token: string, path = 'a.txt'): Promise<Answer> {
  const lines = [
    { key: 'header', value: { summary: 'from CI', description: '' } },
    { key: 'file', value: { path, content: Buffer.from(`bytes of ${path}`).toString('base64'), encoding: 'base64' } },
  ]
  const response = await fetch(`${world.running.url}/api/${repo}/commit/main`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    body: lines.map((line) => JSON.stringify(line)).join('\n'),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T }
}
