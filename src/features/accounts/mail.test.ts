/** What is mailed, through a real SMTP connection: links that verify and links that set a password. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeUser } from '../../../tests/support/accounts.ts'
import { type SmtpSink, startSmtpSink } from '../../../tests/support/smtp-sink.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'

const password = 'a long enough sentence'

describe('with a mail server', () => {
  let sink: SmtpSink
  let test: TestHub
  beforeAll(async () => {
    sink = await startSmtpSink()
    test = await startHub({ env: { HOLDFAST_SMTP_URL: sink.url } })
  })
  afterAll(async () => {
    await test.stop()
    await sink.stop()
  })

  const post = (path: string, form: Record<string, string>) =>
    fetch(`${test.url}${path}`, { method: 'POST', redirect: 'manual', body: new URLSearchParams(form) })
  const linkIn = (text: string): string => /https?:\/\/\S+\/([\w-]{43})/.exec(text)?.[1] ?? ''

  it('verifies an address by the link that was sent to it, and keeps the secret out of the database', async () => {
    await post('/join', { username: 'mara', email: 'mara@example.org', password })
    await sink.received(1)
    const mail = sink.mails[0]
    expect(mail?.to).toBe('mara@example.org')
    expect(mail?.text).toContain('Verify your address')
    const secret = linkIn(mail?.text ?? '')
    const rows = await test.hub.db.read.selectFrom('oneTimeLink').selectAll().execute()
    const jobs = await test.hub.db.read.selectFrom('job').selectAll().execute()
    expect(rows).toHaveLength(1)
    expect(JSON.stringify([rows, jobs])).not.toContain(secret)
    expect((await post('/verify-email', { link: secret })).status).toBe(200)
    expect((await post('/login', { username: 'mara@example.org', password })).status).toBe(303)
  })

  it('answers a request for a reset alike for every address, and mails only the verified one', async () => {
    await makeUser(test, 'olga', { password })
    const before = sink.mails.length
    const known = await post('/password-reset', { email: 'olga@example.org' })
    const unknown = await post('/password-reset', { email: 'nobody@example.org' })
    expect([known.status, unknown.status]).toEqual([200, 200])
    const [one, two] = [await known.text(), await unknown.text()]
    expect(one).toBe(two)
    expect(one).toContain('If an account here has this address')
    await sink.received(before + 1)
    const secret = linkIn(sink.mails[before]?.text ?? '')
    expect((await post('/password-reset/set', { link: secret, password: 'a quite new sentence' })).status).toBe(303)
    expect((await post('/login', { username: 'olga', password: 'a quite new sentence' })).status).toBe(303)
    // Whoever owns the address learns that its password was changed.
    await sink.received(before + 2)
    expect(sink.mails.map((mail) => mail.to)).not.toContain('nobody@example.org')
    expect(sink.mails[before + 1]?.text).toContain('was changed')
  })

  it('does not mail one address again and again', async () => {
    const statuses: number[] = []
    for (let i = 0; i < 7; i++) statuses.push((await post('/password-reset', { email: 'victim@example.org' })).status)
    expect(statuses.slice(0, 4)).toEqual([200, 200, 200, 200])
    expect(statuses.at(-1)).toBe(429)
  })
})

describe('who may join', () => {
  it.each([
    ['invite', 'New accounts need an invitation here', 403],
    ['closed', 'Nobody can create an account here', 403],
  ])('sign-up %s', async (signUp, words, status) => {
    const test = await startHub({ env: { HOLDFAST_SIGN_UP: signUp } })
    try {
      expect(await (await fetch(`${test.url}/join`)).text()).toContain(words)
      const response = await fetch(`${test.url}/join`, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams({ username: 'x1', email: 'x@example.org', password }),
      })
      expect(response.status).toBe(status)
    } finally {
      await test.stop()
    }
  })
})
