/** Second factors for tests, set up through the pages as a browser without scripts does it. */
import { TOTP } from 'otpauth'
import type { TestUser } from './accounts.ts'
import { type Lies, SoftwarePasskey } from './software-passkey.ts'

interface Site {
  readonly url: string
}

/** What an authenticator app shows at `now`, made by the library alone. */
export function codeAt(secret: string, now: number): string {
  return TOTP.generate({ secret: secretOf(secret), timestamp: now })
}

function secretOf(base32: string) {
  return new TOTP({ secret: base32 }).secret
}

export function postForm(
  { url }: Site,
  path: string,
  form: Readonly<Record<string, string>> = {},
  cookie = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    redirect: 'manual',
    headers: { cookie, ...headers },
  })
}

/** `name=value` of a cookie that an answer sets; empty where it sets none. */
export function cookieOf(response: Response, name: string): string {
  const found = response.headers.getSetCookie().find((value) => value.startsWith(`${name}=`))
  return found?.split(';')[0] ?? ''
}

/** Begins the setup of an app; the secret that the page shows. */
export async function beginApp(site: Site, cookie: string): Promise<string> {
  const started = await postForm(site, '/settings/authentication/app/start', {}, cookie)
  if (started.status !== 303) throw new Error(`The setup did not begin: ${started.status}`)
  const page = await (await fetch(`${site.url}/settings/authentication/app`, { headers: { cookie } })).text()
  return /<code>([A-Z2-7 ]+)<\/code>/.exec(page)?.[1]?.replaceAll(' ', '') ?? ''
}

/** An app on the account; the codes where these are the first ones. */
export async function addApp(site: Site, cookie: string, now: number): Promise<{ secret: string; codes: string[] }> {
  const secret = await beginApp(site, cookie)
  const answer = await postForm(site, '/settings/authentication/app', { code: codeAt(secret, now) }, cookie)
  const page = await answer.text()
  if (answer.status >= 400) throw new Error(`The app was refused: ${answer.status}`)
  return { secret, codes: codesIn(page) }
}

export function codesIn(page: string): string[] {
  return page.match(/\b[a-z1-9]{4}(?:-[a-z1-9]{4}){3}\b/g) ?? []
}

async function optionsAt({ url }: Site, path: string, cookie: string) {
  const response = await fetch(`${url}${path}`, { headers: { cookie }, redirect: 'manual' })
  if (response.status !== 200) throw new Error(`No options at ${path}: ${response.status}`)
  return (await response.json()) as { challenge: string }
}

/** A passkey on the account, made in software. */
export async function addPasskey(site: Site, cookie: string, name = 'Laptop'): Promise<SoftwarePasskey> {
  const passkey = new SoftwarePasskey(new URL(site.url).origin)
  const response = passkey.create(await optionsAt(site, '/settings/authentication/passkeys/options', cookie))
  const added = await postForm(site, '/settings/authentication/passkeys', { name, response }, cookie)
  if (added.status >= 400) throw new Error(`The passkey was refused: ${added.status}`)
  return passkey
}

/** What the passkey answers to what the page at `path` asks. */
export async function askPasskey(
  site: Site,
  passkey: SoftwarePasskey,
  path: string,
  cookie = '',
  lies: Lies = {},
): Promise<string> {
  return passkey.get(await optionsAt(site, `${path}/options`, cookie), lies)
}

/** The password alone: the cookie of the sign-in that waits. */
export async function beginSignIn(site: Site, user: TestUser): Promise<string> {
  const answer = await postForm(site, '/login', { username: user.name, password: user.password })
  const pending = cookieOf(answer, 'sign-in')
  if (answer.status !== 303 || pending === '' || cookieOf(answer, 'token') !== '') {
    throw new Error(`The sign-in does not wait for a second factor: ${answer.status}`)
  }
  return pending
}

/** Password and code. */
export async function signInWithCode(site: Site, user: TestUser, code: string): Promise<string> {
  const pending = await beginSignIn(site, user)
  const answer = await postForm(site, '/login/second-factor', { code }, pending)
  if (answer.status !== 303) throw new Error(`The code was refused: ${answer.status}`)
  return cookieOf(answer, 'token')
}
