/** Child tokens between the store and the pages. */
import type { ChildView } from '../../web/child-tokens.tsx'
import type { ChildToken } from './derive.ts'

export function viewOfChild(child: ChildToken): ChildView {
  const { id, name, last4, role, permissions, usesLeft, lastUsedAt, expiresAt } = child
  const words = role === 'inherit' ? 'all that the account may do' : `role ${role}`
  return { id, name, lastFour: last4, permissions, role: words, usesLeft, lastUsedAt, expiresAt }
}
