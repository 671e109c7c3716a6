import { describe, expect, test } from 'vitest'
import {
  isFromProgram,
  isWithinLimits,
  noLimits,
  parseAmount,
  parsePaths,
  parsePrograms,
  readsPath,
  type TokenLimits,
} from './token-limits.ts'

describe('files', () => {
  test('a pattern without a slash names files wherever they lie, one with a slash from the root on', () => {
    const reads = (paths: string[], path: string) => readsPath({ paths }, path)
    expect(reads(['*.safetensors'], 'model.safetensors')).toBe(true)
    expect(reads(['*.safetensors'], 'deep/er/model.safetensors')).toBe(true)
    expect(reads(['*.safetensors'], 'model.safetensors.pkl')).toBe(false)
    expect(reads(['config/**'], 'config/a/b.json')).toBe(true)
    expect(reads(['config/**'], 'other/config/b.json')).toBe(false)
    expect(reads(['/README.md'], 'README.md')).toBe(true)
    expect(reads(['/README.md'], 'docs/README.md')).toBe(false)
    expect(reads(['données*'], 'données.csv')).toBe(true)
    expect(reads([], 'anything')).toBe(true)
    expect(reads(['*.json', 'x'], 'x')).toBe(true)
  })

  test('exceptions, folders, control characters and too much are refused', () => {
    expect(parsePaths([' *.json ', '*.json', ''])).toEqual(['*.json'])
    for (const wrong of ['!secret.pkl', 'config/', 'a\nb', 'x'.repeat(201)]) {
      expect(() => parsePaths([wrong]), wrong.slice(0, 20)).toThrow()
    }
    expect(() => parsePaths(Array.from({ length: 51 }, (_, at) => `${at}`))).toThrow('at most 50')
  })
})

test('programs are found among the names that a client gives', () => {
  const hub = 'unknown/None; hf_hub/2.4.0; python/3.11.2; torch/2.9'
  expect(parsePrograms(['HF_Hub', 'git', 'hf_hub'])).toEqual(['hf_hub', 'git'])
  expect(() => parsePrograms(['hf hub'])).toThrow()
  expect(isFromProgram({ programs: ['hf_hub'] }, hub)).toBe(true)
  expect(isFromProgram({ programs: ['hf'] }, hub)).toBe(false)
  expect(isFromProgram({ programs: ['git'] }, 'git/2.39.5')).toBe(true)
  expect(isFromProgram({ programs: ['git'] }, 'git-lfs/3.3.0 (GitHub; linux amd64; go 1.19.8)')).toBe(false)
  expect(isFromProgram({ programs: ['git'] }, null)).toBe(false)
  expect(isFromProgram({ programs: [] }, null)).toBe(true)
})

test('amounts are whole numbers from 1 up', () => {
  expect(parseAmount('requestsPerMinute', null)).toBeNull()
  expect(parseAmount('requestsPerMinute', 1)).toBe(1)
  for (const wrong of [0, -1, 1.5, Number.NaN, 2 ** 60]) expect(() => parseAmount('requestsPerMinute', wrong)).toThrow()
})

test('what is narrower, and what is not', () => {
  const ceiling: TokenLimits = { paths: ['*.json'], programs: ['git'], requestsPerMinute: 10, bytesPerDay: 100 }
  expect(isWithinLimits(ceiling, ceiling)).toBe(true)
  expect(isWithinLimits(ceiling, noLimits)).toBe(true)
  expect(isWithinLimits(noLimits, ceiling)).toBe(false)
  expect(isWithinLimits({ ...ceiling, paths: [] }, ceiling)).toBe(false)
  expect(isWithinLimits({ ...ceiling, paths: ['*.json', '*'] }, ceiling)).toBe(false)
  expect(isWithinLimits({ ...ceiling, requestsPerMinute: 11 }, ceiling)).toBe(false)
  expect(isWithinLimits({ ...ceiling, requestsPerMinute: null }, ceiling)).toBe(false)
  expect(isWithinLimits({ ...ceiling, bytesPerDay: 101 }, ceiling)).toBe(false)
})
