/** The few calls of the Hub's API that the cases need, as a client makes them. */
import { Agent, request } from 'node:http'
import type { Holdfast } from './program.ts'

export interface HubClient {
  readonly url: string
  readonly token: string
  readonly user: string
  /** Makes a public model `user/name` and returns its id. */
  createRepo(name: string): Promise<string>
  /** Sends one commit and returns its id. `body` is made by `commitBody`, outside the clock. */
  commit(repo: string, body: Buffer): Promise<string>
  close(): void
}

export interface Answer {
  readonly status: number
  readonly body: string
}

const user = 'bench'

/** Makes the account on its first call for a data folder. */
export async function openClient(hub: Holdfast): Promise<HubClient> {
  await hub.admin('create-user', user, '--email', 'bench@example.org')
  const token = await hub.admin('create-token', '--user', user, '--name', 'bench', '--role', 'write')
  return clientFor(hub.url, token)
}

export function clientFor(url: string, token: string): HubClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const send = (path: string, type: string, body: string | Buffer): Promise<Answer> =>
    exchange(agent, url + path, { authorization: `Bearer ${token}`, 'content-type': type }, body)
  return {
    url,
    token,
    user,
    createRepo: async (name) => {
      const answer = await send('/api/repos/create', 'application/json', JSON.stringify({ name, visibility: 'public' }))
      expectOk(answer, 'creating a repo')
      return `${user}/${name}`
    },
    commit: async (repo, body) => {
      const answer = await send(`/api/models/${repo}/commit/main`, 'application/x-ndjson', body)
      expectOk(answer, 'committing')
      const { commitOid } = JSON.parse(answer.body) as { commitOid: string }
      return commitOid
    },
    close: () => agent.destroy(),
  }
}

/** The NDJSON body of a commit. */
export function commitBody(summary: string, ...lines: readonly object[]): Buffer {
  return Buffer.from([header(summary), ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''))
}

function header(summary: string): object {
  return { key: 'header', value: { summary, description: '' } }
}

export function file(path: string, content: string | Uint8Array): object {
  return { key: 'file', value: { path, content: Buffer.from(content).toString('base64'), encoding: 'base64' } }
}

export function largeFile(path: string, sha256: string, size: number): object {
  return { key: 'lfsFile', value: { path, algo: 'sha256', oid: sha256, size } }
}

function expectOk(answer: Answer, doing: string): void {
  if (answer.status < 200 || answer.status > 299) {
    throw new Error(`While ${doing}, the hub answered ${answer.status}: ${answer.body.slice(0, 500)}`)
  }
}

function exchange(agent: Agent, url: string, headers: Record<string, string>, body: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        timeout: 120_000,
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${url} did not answer in two minutes`)))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
