/** An application as it talks to the hub: asks for devices and codes, exchanges them, and is registered through the form as people do. */
import { createHash, randomBytes } from 'node:crypto'

/** What `hf auth login` calls itself. */
export const hfClientId = '26be6b09-91c5-47da-9861-d2d2bb7a7e36'

export interface Told {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  json<T = Record<string, string>>(): T
}

export async function told(response: Response): Promise<Told> {
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T }
}

/** Posts a form, following no redirect. A list becomes a field for each. */
export async function postForm(
  url: string,
  fields: Readonly<Record<string, string | readonly string[]>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const body = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) for (const one of [value].flat()) body.append(name, String(one))
  return await told(await fetch(url, { method: 'POST', body, headers, redirect: 'manual' }))
}

export async function getPage(
  url: string,
  cookie: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Told> {
  return await told(await fetch(url, { headers: { cookie, ...headers }, redirect: 'manual' }))
}

export interface Pkce {
  readonly verifier: string
  readonly challenge: string
}

export function makePkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export interface Registered {
  readonly id: string
  /** Empty for a public application. */
  readonly secret: string
}

export async function registerApplication(
  url: string,
  cookie: string,
  settings: {
    readonly name: string
    readonly redirectUris: readonly string[]
    readonly scopes?: readonly string[]
    readonly confidential?: boolean
    readonly devices?: boolean
  },
): Promise<Registered> {
  const made = await postForm(
    `${url}/settings/applications`,
    {
      name: settings.name,
      redirectUris: settings.redirectUris.join('\r\n'),
      scopes: settings.scopes ?? ['openid', 'profile', 'email', 'read-repos', 'write-repos'],
      kind: settings.confidential === true ? 'confidential' : 'public',
      ...(settings.devices === true ? { devices: '1' } : {}),
    },
    { cookie },
  )
  if (settings.confidential !== true) {
    const id = made.headers.get('location')?.split('/').at(-1)
    if (made.status !== 303 || id === undefined) throw new Error(`Registering failed: ${made.status} ${made.text}`)
    return { id, secret: '' }
  }
  const id = /<code>([0-9a-f-]{36})<\/code>/.exec(made.text)?.[1]
  const secret = /<code>([A-Za-z0-9_-]{43})<\/code>/.exec(made.text)?.[1]
  if (id === undefined || secret === undefined) throw new Error(`Registering failed: ${made.status} ${made.text}`)
  return { id, secret }
}

export interface Authorization {
  readonly client_id: string
  readonly redirect_uri: string
  readonly [parameter: string]: string
}

export function authorizationAddress(url: string, asked: Authorization): string {
  const query = new URLSearchParams({ response_type: 'code', state: 'the-state', ...asked })
  return `${url}/oauth/authorize?${query}`
}

/** Presses Approve on the page that asks. The address to which the browser would go. */
export async function approve(
  url: string,
  cookie: string,
  asked: Authorization,
  organizations: readonly string[] = [],
): Promise<URL> {
  const answered = await postForm(
    `${url}/oauth/authorize/answer`,
    { response_type: 'code', state: 'the-state', ...asked, organization: organizations, answer: 'approve' },
    { cookie },
  )
  const location = answered.headers.get('location')
  if (answered.status !== 303 || location === null) throw new Error(`Not approved: ${answered.status} ${answered.text}`)
  return new URL(location)
}
