/**
 * Refresh tokens: each works once and gives the next. One that comes a second time means that two hold it, and the hub cannot know which of them
 * should: the whole sign-in ends (RFC 9700, 4.14). And their end at the request of who holds them (RFC 7009).
 */
import { tokenHash } from '../../access/credentials.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Origin } from '../../domain/event.ts'
import type { Allowed } from '../../domain/policy.ts'
import { isTokenShaped } from '../../domain/token.ts'
import type { Hub } from '../../hub.ts'
import { hashSecret } from '../../platform/crypto/secret.ts'
import { recordEvent } from '../audit/service.ts'
import { removeStored } from '../tokens/service.ts'
import { type ClientProof, clientOf, requireProof, unknownClient } from './client.ts'
import { ended, endReplayed, renew } from './mint.ts'
import { findClientRow, findGrantByValue, findRefreshToken, spendRefreshToken } from './queries.ts'
import { askedScopes, scopesOf } from './scopes.ts'
import type { TokenAnswer, TokenRequest } from './token-endpoint.ts'

export interface Refresh {
  readonly refreshToken: string
  readonly scope: string | undefined
  readonly proof: ClientProof
}

/** Throws `oauth_grant_refused`, `oauth_client_refused` and `oauth_scope_refused`. */
export async function refreshTokens({
  hub,
  allowed,
  parameters: { refreshToken, scope, proof },
  request,
}: TokenRequest<Refresh>): Promise<TokenAnswer> {
  const hash = hashSecret(refreshToken)
  const row = await findRefreshToken(hub.db.read, hash)
  const clientRow = row === null ? null : await findClientRow(hub.db.read, row.clientId)
  if (row === null || clientRow === null) throw ended()
  const client = clientOf(clientRow)
  if (proof.id === null) throw unknownClient()
  requireProof(client, proof)
  askedScopes(scope, scopesOf(row.scope))
  if (row.expiresAt <= hub.clock.now()) throw ended()
  const answer = await hub.transaction(async (tx) => {
    if (await spendRefreshToken(tx, hash, hub.clock.now())) {
      return await renew(hub, tx, allowed, request.origin, row, client)
    }
    await endReplayed(hub, tx, allowed, request.origin, 'refresh token', row)
    return null
  })
  if (answer === null) {
    throw new HoldfastError('oauth_grant_refused', {
      reason:
        'This refresh token was used before. The sign-in has ended, since somebody else may hold a copy. Sign in again.',
    })
  }
  return answer
}

/**
 * Ends a sign-in by its access token or its refresh token. What is unknown, dead or another application's changes nothing and is not told
 * apart. Throws `oauth_client_refused`.
 */
export async function revokeSignIn(
  hub: Hub,
  allowed: Allowed<'oauth.revoke'>,
  origin: Origin,
  asked: { readonly token: string; readonly proof: ClientProof },
): Promise<void> {
  const { token, proof } = asked
  const grant = isTokenShaped(token)
    ? await findGrantByValue(hub.db.read, tokenHash(hub.keys, token))
    : await findRefreshToken(hub.db.read, hashSecret(token))
  if (grant === null) return
  const clientRow = await findClientRow(hub.db.read, grant.clientId)
  if (clientRow === null || (proof.id !== null && proof.id !== clientRow.id)) return
  requireProof(clientOf(clientRow), proof)
  await hub.transaction(async (tx) => {
    for (const { id, name, last4 } of await removeStored(hub, tx, grant.userId, grant.tokenId)) {
      await recordEvent(hub, tx, allowed, origin, {
        resource: { kind: 'token', id, name },
        ownerId: grant.userId,
        data: { last4, application: clientRow.name },
      })
    }
  })
}
