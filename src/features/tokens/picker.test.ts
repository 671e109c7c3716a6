/* UAT-7: grants are pairs of entity and permissions. What is offered follows one's roles; what is said follows what is
   ticked. */
import { expect, test } from 'vitest'
import { type Picked, pickerGroups, reachWords, summarize } from './picker.ts'

const owner = {
  name: 'mara',
  fullname: 'Mara Lindqvist',
  organizations: [
    { name: 'acme', role: 'admin' },
    { name: 'northsea-lab', role: 'read' },
  ],
} as const

const nothing: Picked = { grants: [], global: [], canReadGatedRepos: false }
const picked: Picked = {
  grants: [
    { type: 'model', name: 'acme/harbor-7b', permissions: ['repo.content.read', 'repo.write'], isPrivate: true },
    { type: 'dataset', name: 'acme/lost', permissions: ['repo.content.read'], isEffective: false },
    { type: 'org', name: 'acme', permissions: ['repo.content.read', 'org.write'] },
  ],
  global: ['discussion.write'],
  canReadGatedRepos: true,
}

test('an organization offers what its role can give, and says what the rest needs', () => {
  const { organizations } = pickerGroups(owner, nothing, {})
  const refused = (name: string) =>
    organizations.find((each) => each.name === name)?.choices.filter((choice) => choice.refusedBecause !== null) ?? []
  expect(refused('acme')).toEqual([])
  const reasons = new Map(refused('northsea-lab').map((choice) => [choice.permission, choice.refusedBecause]))
  expect(reasons.get('org.write')).toBe('Needs the admin role in northsea-lab.')
  expect(reasons.get('repo.write')).toBe('Needs the contributor role in northsea-lab.')
  expect(reasons.has('repo.content.read')).toBe(false)
})

test('ticks come back where they were, also on what one has lost', () => {
  const adding = { error: 'No.', typed: 'acme/x', suggestions: ['acme/y'] }
  const groups = pickerGroups(owner, picked, adding)
  expect(groups.repos.map(({ entity, isPrivate, isNotEffective }) => [entity, isPrivate, isNotEffective])).toEqual([
    ['model:acme/harbor-7b', true, false],
    ['dataset:acme/lost', false, true],
  ])
  const ticked = (choices: readonly { permission: string; ticked: boolean }[]) =>
    choices.filter((choice) => choice.ticked).map((choice) => choice.permission)
  expect(ticked(groups.repos[0]?.choices ?? [])).toEqual(['repo.content.read', 'repo.write'])
  expect(ticked(groups.organizations[0]?.choices ?? [])).toEqual(['repo.content.read', 'org.write'])
  expect(ticked(groups.own?.choices ?? [])).toEqual([])
  expect(ticked(groups.global)).toEqual(['discussion.write'])
  expect(groups.own?.entity).toBe('user:mara')
  expect(groups.adding).toEqual(adding)
})

test('an entity offers only what can be given on its kind', () => {
  const groups = pickerGroups(owner, picked, {})
  const names = (choices: readonly { permission: string }[]) => choices.map((choice) => choice.permission)
  expect(names(groups.repos[0]?.choices ?? [])).not.toContain('org.write')
  expect(names(groups.own?.choices ?? [])).toContain('user.webhooks.read')
  expect(names(groups.own?.choices ?? [])).not.toContain('org.write')
})

test('the summary says what the ticks amount to', () => {
  const texts = (lines: readonly { can: boolean; text: string }[]) =>
    lines.map((line) => `${line.can ? '+' : '-'} ${line.text}`)
  expect(texts(summarize(owner, 'fineGrained', nothing))).toEqual([
    '+ Read what is public',
    '- Nothing in your own namespace',
    '- No gated repositories',
  ])
  expect(texts(summarize(owner, 'fineGrained', picked))).toEqual([
    '+ Read what is public',
    '+ Read and write acme/harbor-7b',
    '+ Read all repositories of acme that you can read',
    '+ Change organization settings and members, in acme',
    '+ Take part in discussions and pull requests',
    '+ Read every gated repository that you may access',
    '- Nothing in your own namespace',
  ])
  expect(texts(summarize(owner, 'read', picked))).toEqual([
    '+ Read every repository that you can read',
    '- Change nothing',
  ])
  expect(summarize(owner, 'write', nothing)).toHaveLength(3)
})

test('the list says the reach in a few words', () => {
  expect(reachWords('read', picked)).toBeNull()
  expect(reachWords('fineGrained', nothing)).toBe('nothing but what is public')
  expect(reachWords('fineGrained', picked)).toBe(
    '6 permissions on 1 model, 1 dataset and 1 organization, gated repositories',
  )
  expect(
    reachWords('fineGrained', { ...nothing, grants: [{ type: 'user', name: 'mara', permissions: ['repo.write'] }] }),
  ).toBe('1 permission on your own namespace')
})
