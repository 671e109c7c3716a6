import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isOwnToken, isTokenShaped, makeTokenValue, tokenInText } from './token.ts'

const macUnder = (key: string) => (text: string) => createHmac('sha256', key).update(text).digest()
const ours = macUnder('this instance')
const theirs = macUnder('another instance')

describe('token values', () => {
  it('have the form that clients insist on, and are recognised by the hub that made them alone', () => {
    for (let i = 0; i < 200; i++) {
      const value = makeTokenValue(randomBytes, ours)
      expect(value).toMatch(/^hf_[0-9A-Za-z]{34}$/)
      expect(isTokenShaped(value)).toBe(true)
      expect(isOwnToken(value, ours)).toBe(true)
      expect(isOwnToken(value, theirs)).toBe(false)
    }
  })

  it('any change of one character breaks the checksum', () => {
    const value = makeTokenValue(randomBytes, ours)
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 36 }), fc.constantFrom(...'0aZ9'), (index, character) => {
        fc.pre(value[index] !== character)
        expect(isOwnToken(value.slice(0, index) + character + value.slice(index + 1), ours)).toBe(false)
      }),
    )
  })

  it('uses every letter and digit about as often: bytes that would bend the odds are dropped', () => {
    const counts = new Map<string, number>()
    for (let i = 0; i < 2_000; i++) {
      for (const character of makeTokenValue(randomBytes, ours).slice(3, 31)) {
        counts.set(character, (counts.get(character) ?? 0) + 1)
      }
    }
    const expected = (2_000 * 28) / 62
    expect(counts.size).toBe(62)
    for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(expected * 0.25)
    const onlyHigh = (length: number) => Buffer.alloc(length, calls++ === 0 ? 255 : 61)
    let calls = 0
    expect(makeTokenValue(onlyHigh, ours).slice(3, 31)).toBe('z'.repeat(28))
  })

  it('are found in any text, and not inside longer words', () => {
    const value = makeTokenValue(randomBytes, ours)
    const text = `token="${value}", again:${value}; ${value}x hf_short`
    expect([...text.matchAll(tokenInText)].map((match) => match[0])).toEqual([value, value])
  })

  it('is not fooled by other forms', () => {
    for (const value of [
      '',
      'hf_',
      `hf_${'a'.repeat(33)}`,
      `hf_${'a'.repeat(35)}`,
      `HF_${'a'.repeat(34)}`,
      `hf_${'ä'.repeat(34)}`,
    ]) {
      expect(isTokenShaped(value)).toBe(false)
      expect(isOwnToken(value, ours)).toBe(false)
    }
  })
})
