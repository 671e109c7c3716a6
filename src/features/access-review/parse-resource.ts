/** The resource of a question, as refusals name it: `model:acme/x`, `organization:acme`, `workspace:acme/ID`, `instance`. */
import type { Target } from '../../access/load-facts.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { isId } from '../../domain/ids.ts'
import { couldBeRepo, parseRepoId } from '../../domain/names.ts'

export const resourceForms =
  '"model:acme/x", "dataset:acme/x", "space:acme/x", "organization:acme", "workspace:acme/ID", "group:acme/ID", "namespace:acme", "instance" or "self"'

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/

/** Throws `invalid_input`. Nothing is looked up. */
export function parseResource(text: string): Target {
  const colon = text.indexOf(':')
  const kind = colon === -1 ? text : text.slice(0, colon)
  const rest = colon === -1 ? null : text.slice(colon + 1)
  if (rest === null) {
    if (kind === 'instance' || kind === 'self') return { on: kind }
    throw wrong()
  }
  const { namespace, name } = parseRepoId(rest) ?? { namespace: null, name: '' }
  switch (kind) {
    case 'model':
    case 'dataset':
    case 'space':
      if (namespace === null || !couldBeRepo(namespace, name)) throw wrong()
      return { on: 'repo', kind, namespace, name }
    case 'organization':
      if (namespace !== null || !namePattern.test(name)) throw wrong()
      return { on: 'organization', name }
    case 'group':
    case 'workspace':
      if (namespace === null || !namePattern.test(namespace) || !isId(name)) throw wrong()
      return { on: kind, organization: namespace, id: name }
    case 'namespace':
      if (namespace === null && namePattern.test(name)) return { on: 'namespace', name }
      // The workspace of the namespace that a repo would be made in.
      if (namespace !== null && namePattern.test(namespace) && isId(name)) {
        return { on: 'namespace', name: namespace, workspaceId: name }
      }
      throw wrong()
    default:
      throw wrong()
  }
}

/** Whose organization it may be; null for what lies in none. */
export function organizationIn(target: Target): string | null {
  switch (target.on) {
    case 'repo':
      return target.namespace
    case 'organization':
    case 'namespace':
      return target.name
    case 'group':
    case 'workspace':
      return target.organization
    default:
      return null
  }
}

function wrong(): HoldfastError {
  return new HoldfastError('invalid_input', { reason: `A resource is ${resourceForms}.`, field: 'resource' })
}
