/** The page of one service account as an answer: to being opened, and to what was done there. */
import { faultAnswer } from '../../access/form-fault.ts'
import type { HttpRequest } from '../../access/http-request.ts'
import { pageContext, pageReply } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import type { Facts, OwnerFacts } from '../../domain/facts.ts'
import type { Hub } from '../../hub.ts'
import { viewOfOldValue } from '../tokens/service.ts'
import type { ServiceAccount } from './account.ts'
import type { AccountView } from './account-dialogs.tsx'
import { AccountPage, type AccountPageDialog, type AccountTokenRow } from './account-page.tsx'
import { type AccountToken, listAccountTokens } from './account-tokens.ts'
import { reachWords } from './picking.ts'
import { findNames, listPlaces } from './queries.ts'

interface AccountPageView {
  /** A value that was just made. */
  readonly made?: { readonly id: string; readonly name: string; readonly value: string }
  readonly isNew?: boolean
  readonly dialog?: (tokens: readonly AccountTokenRow[]) => AccountPageDialog | null
  readonly fault?: HoldfastError
}

export async function accountReply(
  hub: Hub,
  organization: OwnerFacts,
  account: ServiceAccount,
  facts: Facts,
  request: HttpRequest,
  view: AccountPageView,
): Promise<Reply> {
  const [context, tokens, places, names] = await Promise.all([
    pageContext(hub, facts, request),
    listAccountTokens(hub, organization, account),
    listPlaces(hub.db, [account.id], hub.clock.now()),
    findNames(hub.db, account.createdBy === null ? [] : [account.createdBy]),
  ])
  const rows = tokens.map((token) => tokenRow(token, account, organization))
  const page = (
    <AccountPage
      context={context}
      organization={organization.name}
      account={{
        ...viewOf(account),
        createdAt: account.createdAt,
        createdBy: names.get(account.createdBy ?? '') ?? null,
      }}
      tokens={rows}
      places={places}
      made={view.made ?? null}
      isNew={view.isNew ?? false}
      dialog={view.dialog?.(rows) ?? null}
    />
  )
  const answer = view.fault === undefined ? {} : faultAnswer(view.fault)
  return pageReply(context, page, { ...answer, secret: view.made !== undefined })
}

export function viewOf(account: ServiceAccount): AccountView {
  const { id, name, description, contact, role, expiresAt, disabledAt } = account
  return { id, name, description, contact, role, expiresAt, isDisabled: disabledAt !== null }
}

export function tokenRow(token: AccountToken, account: ServiceAccount, organization: OwnerFacts): AccountTokenRow {
  return {
    id: token.id,
    name: token.name,
    description: token.description,
    mode: token.mode,
    reach: reachWords(token, account, organization),
    lastFour: token.last4,
    lastUsedAt: token.lastUsedAt,
    lastUsedBy:
      token.lastUsedAt === null ? null : { ip: token.lastIp, program: token.lastUserAgent?.slice(0, 80) ?? null },
    oldValue: viewOfOldValue(token),
    fence: token.fence,
    expiresAt: token.expiresAt,
    hasLostGrants: token.scoped.some(({ lost }) => lost.length > 0),
  }
}
