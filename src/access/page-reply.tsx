/** What pages have in common on their way out: who is looking, the Content-Security-Policy, flash notices, and errors as pages. */
import { type Expression, type RawBuilder, sql } from 'kysely'
import { describedFor, namedFor } from '../domain/entity.ts'
import type { HoldfastError } from '../domain/errors.ts'
import type { Facts } from '../domain/facts.ts'
import { type Action, permissionRow } from '../domain/permissions.ts'
import type { Hub } from '../hub.ts'
import { prepared } from '../platform/db/prepared.ts'
import { version } from '../version.ts'
import { repoPath, testAccessPath } from '../web/address.ts'
import { ErrorPage, FaultPage, NotFoundPage } from '../web/error-page.tsx'
import type { FlashKind, PageContext } from '../web/page-context.ts'
import { type HelpfulWay, RefusalPage } from '../web/refusal.tsx'
import { type PageNode, renderPage } from '../web/render.ts'
import { announcementsFor } from './announcements.ts'
import { deniedHeader, deniedHeaders } from './error-reply.ts'
import type { HttpRequest } from './http-request.ts'
import { type Headers, html, type Reply, redirect } from './reply.ts'
import { holdsAt, roleAt } from './role-at.ts'

const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** Browsers hold `form-action` against redirects as well: a form whose answer leads elsewhere has to say where to. */
function policyFor(formLeadsTo: string | undefined): string {
  if (formLeadsTo === undefined) return contentSecurityPolicy
  const { protocol, origin, hostname } = new URL(formLeadsTo)
  // A policy has words for hosts, but for IPv6 addresses and for schemes of their own only the scheme.
  const source = origin === 'null' || hostname.startsWith('[') ? protocol : origin
  return contentSecurityPolicy.replace("form-action 'self'", `form-action 'self' ${source}`)
}

const organizationsOf = prepared<
  { userId: string; now: number },
  { id: string; name: string; role: string | null; hasEmergency: number }
>((q, param) =>
  q
    .selectFrom('roleGrant')
    .innerJoin('namespace', 'namespace.id', 'roleGrant.targetId')
    .select(['namespace.id', 'namespace.name', roleAt('roleGrant', param('now')).as('role')])
    .select(hasEmergency(param('now')).as('hasEmergency'))
    .where('roleGrant.principalId', '=', param('userId'))
    .where('roleGrant.targetKind', '=', 'organization')
    .where(holdsAt('roleGrant', param('now')))
    .orderBy('namespace.nameKey')
    .limit(200),
)

/** Whether somebody administers the organization in an emergency: by an index that has temporary roles alone. */
function hasEmergency(now: Expression<unknown>): RawBuilder<number> {
  return sql<number>`case when exists (select 1 from "roleGrant" as "e" where "e"."targetId" = "roleGrant"."targetId"
    and "e"."temporaryUntil" > ${now} and "e"."temporaryKind" = 'break_glass') then 1 else 0 end`
}

/** Read only while there is one. */
async function emergenciesOf(hub: Hub, organizations: readonly { id: string; name: string }[]) {
  const rows = await hub.db.read
    .selectFrom('roleGrant')
    .innerJoin('namespace', 'namespace.id', 'roleGrant.principalId')
    .select(['roleGrant.targetId', 'namespace.name as who', 'roleGrant.temporaryUntil as until'])
    .select('roleGrant.temporaryReason as reason')
    .where(
      'roleGrant.targetId',
      'in',
      organizations.map(({ id }) => id),
    )
    .where('roleGrant.temporaryUntil', '>', hub.clock.now())
    .where('roleGrant.temporaryKind', '=', 'break_glass')
    .orderBy('roleGrant.temporaryUntil')
    .limit(20)
    .execute()
  return rows.map(({ targetId, who, until, reason }) => ({
    organization: organizations.find(({ id }) => id === targetId)?.name ?? '',
    who,
    until: until ?? 0,
    reason: reason ?? '',
  }))
}

/** What the layout shows of the caller. */
export async function pageContext(hub: Hub, facts: Facts | null, request: HttpRequest): Promise<PageContext> {
  const theme = request.cookie('theme')
  const search = request.query.toString()
  return {
    viewer: await viewerOf(hub, facts),
    instanceName: hub.config.instanceName === 'Holdfast' ? new URL(hub.config.publicUrl).host : hub.config.instanceName,
    version,
    theme: theme === 'light' || theme === 'dark' ? theme : null,
    path: search === '' ? request.path : `${request.path}?${search}`,
    flash: readFlash(request.cookie('flash')),
    signUpOpen: hub.config.signUp === 'open' && hub.config.company?.isOnly !== true,
    legacyOrgTokens: hub.config.legacyOrgTokens,
    announcements: await announcementsFor(hub, request.cookie('dismissed')),
  }
}

async function viewerOf(hub: Hub, facts: Facts | null): Promise<PageContext['viewer']> {
  if (facts === null || facts.principal.kind !== 'user') return null
  const { id, name, fullname, isAdmin } = facts.principal
  const rows = await organizationsOf.run(hub.db.read, { userId: id, now: hub.clock.now() })
  const organizations = rows.flatMap(({ role, name: called }) => (role === null ? [] : { name: called, role }))
  const inEmergency = rows.filter(({ hasEmergency: is }) => is === 1)
  const emergencies = inEmergency.length === 0 ? [] : await emergenciesOf(hub, inEmergency)
  return { name, fullname, isAdmin, organizations, ...(emergencies.length === 0 ? {} : { emergencies }) }
}

/**
 * Renders a page and answers with it. `secret`: the page shows a secret once, so nothing may keep it. `formLeadsTo`: an address elsewhere to which
 * the answer to its form may redirect.
 */
export function pageReply(
  context: PageContext,
  page: PageNode,
  options: { status?: number; secret?: boolean; headers?: Headers; formLeadsTo?: string } = {},
): Reply {
  const headers: Record<string, string | readonly string[] | number> = {
    'content-security-policy': policyFor(options.formLeadsTo),
    'cache-control': options.secret ? 'no-store' : 'private, no-cache',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    ...options.headers,
  }
  if (context.flash !== null && headers['set-cookie'] === undefined)
    headers['set-cookie'] = 'flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax'
  return html(renderPage(page), options.status ?? 200, headers)
}

/** Goes to another page, which shows `text` once. Never pass a secret. */
export function redirectWithNotice(location: string, kind: FlashKind, text: string, headers: Headers = {}): Reply {
  const value = Buffer.from(JSON.stringify({ kind, text: text.slice(0, 500) })).toString('base64url')
  const cookie = `flash=${value}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax`
  const others = headers['set-cookie']
  return redirect(location, 303, {
    ...headers,
    'set-cookie': [cookie, ...(others === undefined ? [] : [others].flat().map(String))],
  })
}

const flashKinds: readonly string[] = ['success', 'error', 'info', 'warning']

function readFlash(cookie: string | null): PageContext['flash'] {
  if (cookie === null || cookie === '' || cookie.length > 2000) return null
  try {
    const value: unknown = JSON.parse(Buffer.from(cookie, 'base64url').toString('utf8'))
    const { kind, text } = value as { kind?: unknown; text?: unknown }
    if (typeof kind === 'string' && flashKinds.includes(kind) && typeof text === 'string')
      return { kind: kind as FlashKind, text }
  } catch {
    // A cookie that is not ours to read is no notice; the page matters more.
    return null
  }
  return null
}

/** An address on this hub to go back to; anything else becomes the first page (no open redirects). */
export function safeReturn(value: string | null | undefined): string {
  return value != null && /^\/(?![/\\])[\x21-\x7e]*$/.test(value) && !value.includes('\\') ? value : '/'
}

/** What the check that refused is called, by the code of its reason. */
const checkNames: Readonly<Record<string, string>> = {
  role: 'Role',
  second_factor: 'Second factor',
  fresh_sign_in: 'Recent sign-in',
  gated_sign_in: 'Access to the files',
  gated_not_asked: 'Access to the files',
  gated_pending: 'Access to the files',
  gated_rejected: 'Access to the files',
}

/** What the reader of a refusal can do about it at once. */
function waysOut(error: HoldfastError, request: HttpRequest, { resource }: Facts): HelpfulWay[] {
  if (error.entry.hub === 'GatedRepo' && resource.on === 'repo' && resource.repo !== null) {
    const { kind, owner, name } = resource.repo
    return [
      {
        title: error.code === 'gated_not_asked' ? 'Ask for access' : 'Look at its page',
        text: 'Its card is open to everyone who sees it, and says what one agrees to.',
        href: repoPath({ kind, namespace: owner.name, name }),
        button: error.code === 'gated_not_asked' ? 'Ask for access' : 'Open its page',
        icon: 'ticket',
      },
    ]
  }
  if (error.code === 'fresh_sign_in_needed') {
    return [
      {
        title: 'Confirm that it is you',
        text: 'It opens in a new tab. Then come back to this one, go back with your browser to what you typed, and press again.',
        href: `/login/confirm?next=${encodeURIComponent(pageBefore(request))}`,
        button: 'Confirm in a new tab',
        icon: 'shield-check',
        newTab: true,
      },
    ]
  }
  if (error.code !== 'second_factor_required') return []
  const next = request.method === 'GET' ? safeReturn(request.message.url) : pageBefore(request)
  return [
    {
      title: 'Set up a second factor',
      text: 'An authenticator app or a passkey; it takes a minute, and leads back here.',
      href: `/settings/authentication?next=${encodeURIComponent(next)}`,
      button: 'Set up a second factor',
      icon: 'shield-check',
    },
  ]
}

/** The page whose form was sent. */
function pageBefore(request: HttpRequest): string {
  const referrer = URL.parse(request.header('referer') ?? '')
  return referrer === null || referrer.host !== request.header('host')
    ? '/'
    : safeReturn(`${referrer.pathname}${referrer.search}`)
}

/** Where every check of it is shown: for people, about what they see. */
function whyHref(action: Action | null, facts: Facts): string | null {
  if (action === null || facts.principal.kind !== 'user') return null
  const { on } = facts.resource
  const resource = on === 'self' || on === 'instance' ? on : namedFor(facts)
  if (resource === null || permissionRow(action).on !== on) return null
  return `${testAccessPath}?${new URLSearchParams({ action, resource })}`
}

/** Errors for people. What one may not see is "Not found", the same page as for what is not there. */
export async function pageErrorReply(
  hub: Hub,
  facts: Facts | null,
  error: HoldfastError,
  request: HttpRequest,
  action: Action | null = null,
): Promise<Reply> {
  if ((error.code === 'unauthenticated' || error.code === 'gated_sign_in') && request.method === 'GET') {
    return redirect(`/login?next=${encodeURIComponent(request.message.url ?? '/')}`)
  }
  if (error.code === 'fresh_sign_in_needed' && request.method === 'GET') {
    return redirect(`/login/confirm?next=${encodeURIComponent(request.message.url ?? '/')}`)
  }
  const context = await pageContext(hub, facts, request)
  const { requestId } = request.origin
  const headers: Record<string, string> = { ...error.extras.headers, ...deniedHeaders(error) }
  if (error.entry.hub !== undefined) headers['x-error-code'] = error.entry.hub
  if (error.entry.status === 404) {
    return pageReply(context, <NotFoundPage context={context} requestId={requestId} />, { status: 404, headers })
  }
  if (error.status >= 500) {
    return pageReply(context, <FaultPage context={context} requestId={requestId} />, { status: error.status, headers })
  }
  const { denied } = error
  // A refusal of the rules says what was checked; of a form, what was wrong with it.
  if (denied !== null && error.extras.denied !== undefined && facts !== null) {
    const page = (
      <RefusalPage
        context={context}
        title={
          error.code === 'fresh_sign_in_needed'
            ? 'Confirm that it is you first'
            : `You cannot do this on ${describedFor(facts)}`
        }
        sentence={`${error.message} Nothing was changed.`}
        checks={[
          {
            name: 'Signed in',
            detail: facts.principal.kind === 'user' ? `as ${facts.principal.name}` : 'no',
            state: 'passed',
          },
          {
            name: checkNames[denied.code] ?? 'Credential',
            detail: error.next ?? '',
            state: 'refused',
            ...(denied.have === undefined ? {} : { has: denied.have }),
            ...(denied.need === undefined ? {} : { needs: denied.need }),
          },
        ]}
        ways={waysOut(error, request, facts)}
        whyHref={whyHref(action, facts)}
        support={{ status: error.status, denied: deniedHeader(denied), requestId, at: hub.clock.now() }}
      />
    )
    return pageReply(context, page, { status: error.status, headers })
  }
  const page = (
    <ErrorPage
      context={context}
      title="That did not work"
      message={error.message}
      next={error.next}
      requestId={requestId}
    />
  )
  return pageReply(context, page, { status: error.status, headers })
}
