/** Every event that can be recorded has a sentence: by the permission table, by what the features' code names, and by what was recorded. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { permissions } from '../../domain/permissions.ts'
import { isTokenPermission } from '../../domain/token-permissions.ts'
import { sentenceFor, toldActions } from './sentences.ts'

const source = path.join(import.meta.dirname, '..', '..')

/** Names with a scope that stand in the code that records, besides columns of tables. */
function namesInCode(): Map<string, string> {
  const found = new Map<string, string>()
  const scopes = new Set([...toldActions, ...Object.keys(permissions)].map((action) => action.split('.')[0]))
  for (const entry of readdirSync(path.join(source, 'features'), { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(entry) || /\.test\.tsx?$|queries\.ts$|testing\.ts$/.test(entry)) continue
    const text = readFileSync(path.join(source, 'features', entry), 'utf8')
    for (const [, name, scope] of text.matchAll(/['"`](([a-z]+(?:_[a-z]+)*)(?:\.[a-z0-9]+(?:_[a-z0-9]+)*)+)['"`]/g)) {
      if (name !== undefined && scopes.has(scope ?? '')) found.set(name, entry)
    }
  }
  return found
}

test('every audited action of the permission table has a sentence', () => {
  const audited = Object.entries(permissions).flatMap(([action, row]) => (row.audited ? [action] : []))
  expect(audited.filter((action) => !toldActions.includes(action))).toEqual([])
})

test('every action that a feature records under a name of its own has a sentence', () => {
  const names = namesInCode()
  // The search finds what is known to be recorded: were it blind, it would find nothing wrong.
  for (const known of ['org.audit_log.export', 'account.deactivate', 'user.invite', 'storage.damaged']) {
    expect([...names.keys()]).toContain(known)
  }
  const strange = [...names].filter(
    ([name]) => !toldActions.includes(name) && !Object.hasOwn(permissions, name) && !isTokenPermission(name),
  )
  expect(strange, 'Write a sentence in src/features/audit/sentences.ts').toEqual([])
})

test('a sentence says what happened, and never nothing', () => {
  const say = (action: string, data = {}, name = 'jonas', resourceKind = 'user') =>
    sentenceFor({ action, resourceKind, name, data })
  expect(say('org.change_role', { from: 'write', to: 'read' })).toBe('Changed the role of jonas from write to read')
  expect(say('org.add_user', { role: 'read' })).toBe('Added jonas with the role read')
  expect(say('repo.update_settings', { visibility: { from: 'private', to: 'public' } }, 'acme/m1', 'model')).toBe(
    'Changed settings of the model acme/m1: visibility from private to public',
  )
  const oid = (digit: string) => digit.repeat(40)
  const push = { ref: 'refs/heads/main', old: oid('4'), new: oid('8') }
  expect(say('repo.push', push, 'acme/m1', 'model')).toBe('Moved main of the model acme/m1 from 4444444 to 8888888')
  expect(say('repo.push', { ...push, new: null }, 'acme/m1', 'model')).toBe('Deleted main of the model acme/m1')
  expect(say('token.create', { last4: 'p0Wq' }, 'ci')).toBe('Created the token ci (…p0Wq)')
  expect(say('org.something_new', {}, 'x', 'thing')).toBe('Did org.something_new on thing x')
  expect(say('constructor')).toBe('Did constructor on user jonas')
  for (const action of toldActions) {
    for (const data of [{}, { from: null, to: null, role: null }, { from: { a: 1 }, to: ['x'], tokens: 2, user: 5 }]) {
      const sentence = say(action, data)
      expect(sentence, action).toMatch(/^[A-Z]/)
      expect(sentence, action).not.toMatch(/undefined|null|NaN|\[object/)
    }
  }
})
