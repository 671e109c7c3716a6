/** The branch that a commit goes to: a name, never a commit and never a tag. */
import { parseRevision, revisionNotFound } from '../../domain/names.ts'

/** The full ref. Throws `revision_not_found` for what cannot be a branch; whether there is one is seen when it is read. */
export function branchRef(revision: string): string {
  const query = parseRevision(revision)
  if (query.by === 'head') return 'refs/heads/main'
  if (query.by === 'name') return `refs/heads/${query.name}`
  if (query.ref.startsWith('refs/heads/')) return query.ref
  throw revisionNotFound(revision)
}
