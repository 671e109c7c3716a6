/** Which addresses may be registered, and which of them an application may name. */
import { describe, expect, test } from 'vitest'
import { isRegistered, parseRedirectUri, proofOf } from './client.ts'

describe('registering a redirect address', () => {
  test.each([
    ['https://app.example/cb'],
    ['https://app.example'],
    ['https://app.example:8443/cb?x=1'],
    ['http://127.0.0.1/cb'],
    ['http://127.0.0.1:7777/cb'],
    ['http://[::1]/cb'],
    ['http://localhost:3000'],
    ['com.example.app:/cb'],
  ])('%s is taken as it is', (address) => {
    expect(parseRedirectUri(address)).toBe(address)
  })

  // Whoever registers an application chooses where the browsers of people go with a code. A script would run on the page before it; what is
  // not encrypted is read on the way; a fragment or a user name makes one address look like another.
  test.each([
    ['javascript:alert(1)'],
    ['JavaScript:alert(1)'],
    ['data:text/html,<script>'],
    ['vbscript:x'],
    ['file:///etc/passwd'],
    ['blob:https://app.example/x'],
    ['custom:/cb'],
    ['http://app.example/cb'],
    ['http://127.0.0.1.evil.example/cb'],
    ['http://127.1/cb#x'],
    ['https://app.example/cb#fragment'],
    ['https://ada@app.example/cb'],
    ['https://app.example@evil.example'],
    ['https://@app.example/cb'],
    ['https:app.example'],
    ['https://*.app.example/cb'],
    ['https://app.example/\u202ecb'],
    ['https://app.example/a b'],
    ['https://app.example\\@evil.example'],
    ['//app.example'],
    ['/cb'],
    [''],
    [`https://app.example/${'x'.repeat(500)}`],
  ])('%s is refused', (address) => {
    expect(() => parseRedirectUri(address)).toThrow(/"/)
  })
})

describe('naming a redirect address', () => {
  test('letter for letter, but for the port on loopback', () => {
    const registered = ['https://app.example/cb', 'http://127.0.0.1:80/cb', 'http://[::1]/', 'http://localhost:3000/']
    const named = (address: string) => isRegistered(registered, address)
    expect(
      ['https://app.example/cb', 'http://127.0.0.1:9/cb', 'http://127.0.0.1/cb', 'http://[::1]:65535/'].map(named),
    ).toEqual(Array(4).fill(true))
    const others = [
      'https://app.example/cb/',
      'https://app.example:443/cb',
      'http://127.0.0.2:80/cb',
      'http://127.0.0.1:80/cb?x',
      'http://127.0.0.1:80/cb#x',
      'http://[::1]:1/x',
      'http://localhost:3001/',
      'http://127.0.0.1:80@evil.example/cb',
    ]
    expect(others.filter(named)).toEqual([])
  })
})

test('RFC 6749, 2.3.1: credentials in the header are encoded as a form, and count alone', () => {
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  expect(proofOf(basic('a%20b:s%3Ac+d'), {})).toEqual({ id: 'a b', secret: 's:c d' })
  expect(proofOf(null, { client_id: 'a', client_secret: 'b' })).toEqual({ id: 'a', secret: 'b' })
  expect(() => proofOf(basic('a:b'), { client_secret: 'b' })).toThrow('two ways')
  expect(() => proofOf(basic('a:b'), { client_id: 'c' })).toThrow('different applications')
  expect(() => proofOf(basic('a:%zz'), {})).toThrow('not encoded')
})
