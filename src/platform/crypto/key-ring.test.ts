import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openKeyRing } from './key-ring.ts'
import { parsePublicKeys } from './signing-key.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-keys-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('of several first starts at once one ring wins, and all use it', async () => {
  const rings = await Promise.all(Array.from({ length: 8 }, () => openKeyRing({ folder, inline: null })))
  const macs = new Set(rings.map((ring) => ring.mac('token-hash', 'x').toString('hex')))
  expect(macs.size).toBe(1)
  expect(await readdir(folder)).toEqual(['keys.json'])
  expect((await stat(path.join(folder, 'keys.json'))).mode & 0o777).toBe(0o600)
})

test('the newest key makes, every key checks', async () => {
  const key = (id: number, digit: string) => ({ id, secret: digit.repeat(64), createdAt: '2026-11-23T00:00:00.000Z' })
  const before = await openKeyRing({ folder, inline: JSON.stringify({ version: 1, keys: [key(1, 'a')] }) })
  const after = await openKeyRing({ folder, inline: JSON.stringify({ version: 1, keys: [key(1, 'a'), key(2, 'b')] }) })
  const old = before.mac('signed-address', 'text')
  expect(after.verify('signed-address', 'text', old)).toBe(true)
  expect(after.mac('signed-address', 'text').equals(old)).toBe(false)
  expect(after.verify('signed-address', 'other', old)).toBe(false)
  expect(after.verify('token-checksum', 'text', old)).toBe(false)
})

test('a damaged ring is refused without quoting it', async () => {
  const secret = 'c'.repeat(63)
  const broken = openKeyRing({ folder, inline: JSON.stringify({ version: 1, keys: [{ id: 1, secret }] }) })
  await expect(broken).rejects.toThrow(/not readable/)
  await expect(broken).rejects.not.toThrow(secret)
})

test('what a ring signs is checked with the public keys alone, also after a new key came', async () => {
  const key = (id: number, digit: string) => ({ id, secret: digit.repeat(64), createdAt: '2026-11-23T00:00:00.000Z' })
  const before = await openKeyRing({ folder, inline: JSON.stringify({ version: 1, keys: [key(1, 'a')] }) })
  const after = await openKeyRing({ folder, inline: JSON.stringify({ version: 1, keys: [key(1, 'a'), key(2, 'b')] }) })
  const [old] = before.signingKeys('audit-checkpoint')
  const signature = old.sign('text')
  const known = parsePublicKeys(
    `two keys\n${after
      .signingKeys('audit-checkpoint')
      .map(({ pem }) => pem)
      .join('')}`,
  )
  expect(known).toHaveLength(2)
  expect(known.find(({ id }) => id === old.id)?.verify('text', signature)).toBe(true)
  expect(known.map((one) => one.verify('other', signature))).toEqual([false, false])
  expect(known.map((one) => one.verify('text', 'nonsense'))).toEqual([false, false])
  expect(parsePublicKeys('no key')).toEqual([])
})

test('what is encrypted opens with every later ring, and nowhere but where it belongs', async () => {
  const key = (id: number, digit: string) => ({ id, secret: digit.repeat(64), createdAt: '2026-11-23T00:00:00.000Z' })
  const before = await openKeyRing({ folder, inline: JSON.stringify({ version: 1, keys: [key(1, 'a')] }) })
  const after = await openKeyRing({ folder, inline: JSON.stringify({ version: 1, keys: [key(1, 'a'), key(2, 'b')] }) })
  const other = await openKeyRing({ folder, inline: JSON.stringify({ version: 1, keys: [key(1, 'c')] }) })
  const sealed = before.encrypt('totp-secret', 'JBSWY3DPEHPK3PXP', 'user-1')
  expect(sealed).toMatch(/^v1\.1\./)
  expect(sealed).not.toContain('JBSWY3DPEHPK3PXP')
  expect(before.encrypt('totp-secret', 'JBSWY3DPEHPK3PXP', 'user-1')).not.toBe(sealed)
  expect(after.decrypt('totp-secret', sealed, 'user-1')).toBe('JBSWY3DPEHPK3PXP')
  expect(after.encrypt('totp-secret', 'x', 'user-1')).toMatch(/^v1\.2\./)
  expect(() => after.decrypt('totp-secret', sealed, 'user-2')).toThrow()
  expect(() => other.decrypt('totp-secret', sealed, 'user-1')).toThrow()
  expect(() => before.decrypt('totp-secret', after.encrypt('totp-secret', 'x', 'user-1'), 'user-1')).toThrow(/a key/)
  const last = sealed.at(-5) === 'A' ? 'B' : 'A'
  expect(() => before.decrypt('totp-secret', `${sealed.slice(0, -5)}${last}${sealed.slice(-4)}`, 'user-1')).toThrow()
})
