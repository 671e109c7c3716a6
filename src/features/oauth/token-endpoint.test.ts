/** What the token endpoint says to anybody, whatever the grant type. What each grant judges is tested beside it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeToken, makeUser } from '../../../tests/support/accounts.ts'
import { startHub, type TestHub } from '../../../tests/support/start-hub.ts'

const form = 'application/x-www-form-urlencoded'

describe('POST /oauth/token', () => {
  let running: TestHub
  beforeAll(async () => {
    running = await startHub()
  })
  afterAll(() => running.stop())

  const post = (body: string, headers: Record<string, string>) =>
    fetch(`${running.url}/oauth/token`, { method: 'POST', body, headers })

  test.each([
    [form, 'grant_type=password&username=ada&password=secret'],
    ['application/json', '{"grant_type":"password","username":"ada","password":"secret"}'],
  ])(
    'a grant type that is not known, as %s, is said in the words of OAuth and in X-Error-Message',
    async (type, body) => {
      const answer = await post(body, { 'content-type': type })
      expect(answer.status).toBe(400)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      const said = (await answer.json()) as { error: string; error_description: string }
      expect(said.error).toBe('unsupported_grant_type')
      expect(said.error_description).toContain("This hub knows no grant type 'password'.")
      expect(answer.headers.get('x-error-message')).toBe(said.error_description)
      // RFC 6749, 5.2: neither quotes nor backslashes.
      expect(said.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
    },
  )

  test.each([
    ['no grant type', form, 'code=1'],
    ['two grant types', form, 'grant_type=a&grant_type=b'],
    ['broken JSON', 'application/json', '{'],
    ['a list', 'application/json', '[1]'],
  ])('%s is an invalid_request, in the same form', async (_what, type, body) => {
    const answer = await post(body, { 'content-type': type })
    expect(answer.status).toBe(400)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toMatchObject({ error: 'invalid_request', error_description: expect.any(String) })
  })

  test('a body that is too large is refused before it is read whole', async () => {
    const answer = await post(`grant_type=${'x'.repeat(70_000)}`, { 'content-type': form })
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' })
  })

  test('whoever is signed in is nobody here: a password of a client in Authorization is no access token', async () => {
    const token = await makeToken(running, await makeUser(running, 'ada'), { role: 'write' })
    for (const authorization of [`Basic ${btoa('client:secret')}`, `Bearer ${token}`, 'Bearer hf_wrong']) {
      const answer = await post('grant_type=none', { 'content-type': form, authorization })
      expect(await answer.json()).toMatchObject({ error: 'unsupported_grant_type' })
    }
  })
})
