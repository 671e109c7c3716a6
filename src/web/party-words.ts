/* How many people and service accounts, in words: "3 people and 1 service account". */
import { counted } from './size.ts'

export type Parties = { readonly people: number; readonly machines: number }

/** "nobody" for none. */
export function partyWords({ people, machines }: Parties): string {
  const words = []
  if (people > 0) words.push(counted(people, 'person', 'people'))
  if (machines > 0) words.push(counted(machines, 'service account'))
  return words.length === 0 ? 'nobody' : words.join(' and ')
}

/** True where a verb after `partyWords` has no plural: "1 person loses", "nobody loses". */
export function isOne({ people, machines }: Parties): boolean {
  return people + machines <= 1
}

/** "2 private repositories". */
export function privateRepos(count: number): string {
  return counted(count, 'private repository', 'private repositories')
}
