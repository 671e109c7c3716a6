/** Policies that nobody's role depends on, tried on what was pushed of late and on what lies there. Nothing is changed and nothing is remembered. */
import { HoldfastError } from '../../domain/errors.ts'
import { accountOf, type OwnerFacts } from '../../domain/facts.ts'
import { type AffectedModels, affectedModels } from '../model-signatures/service.ts'
import { type AffectedFiles, affectedFiles } from '../scanning/service.ts'
import { type AffectedPushers, affectedPushers } from '../signatures/service.ts'
import type { PolicyChange } from './change.ts'
import type { Asking } from './preview.ts'

export type PolicyPreview =
  | {
      readonly on: 'pushes'
      readonly found: AffectedPushers
      /** Who pushes where is for who administers the owner; others are told how many. */
      readonly isPartial: boolean
    }
  | { readonly on: 'files'; readonly found: AffectedFiles }
  | { readonly on: 'models'; readonly owner: OwnerFacts; readonly found: AffectedModels }

/** `most`: entries of a list. The caller has been allowed the change on its target. */
export async function tryPolicy(asking: Asking, change: PolicyChange, most: number): Promise<PolicyPreview> {
  const { hub, facts, authorizeAlso } = asking
  const { resource } = facts
  if (change.kind === 'scan_policy') {
    // The list of unsafe files has a permission of its own.
    const target = { on: 'organization', name: change.organization } as const
    const { resource: organization } = await authorizeAlso('org.scan.read', target)
    return { on: 'files', found: await affectedFiles(hub, organization, change.policy, most) }
  }
  if (change.kind === 'repo_signing_policy') {
    const { level, humanSignatureOnly } = change
    if (resource.on !== 'repo' || resource.repo === null) throw new HoldfastError('repo_not_found')
    const found = await affectedPushers(hub, { repo: resource.repo }, { level, humanSignatureOnly })
    return { on: 'pushes', found, isPartial: !isAdministered(asking, resource.repo.owner) }
  }
  if (resource.on !== 'organization' || resource.organization === null)
    throw new HoldfastError('organization_not_found')
  const { organization } = resource
  if (change.kind === 'signed_models') {
    const found = await affectedModels(hub, organization, change.signedModelsOnly, most)
    return { on: 'models', owner: organization, found }
  }
  const { level, humanSignatureOnly } = change
  const found = await affectedPushers(hub, { organization }, { level, humanSignatureOnly })
  return { on: 'pushes', found, isPartial: !isAdministered(asking, organization) }
}

function isAdministered({ facts }: Asking, owner: OwnerFacts): boolean {
  if (owner.kind === 'user') return accountOf(facts.principal)?.id === owner.id
  return facts.standing.organizationRole === 'admin'
}
