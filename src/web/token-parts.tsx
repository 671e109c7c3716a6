/* What the pages of people's tokens and of service accounts' tokens show alike. */
import type { Child } from 'hono/jsx'
import { Expiry } from './badge.tsx'
import { Notice } from './notice.tsx'
import { Time } from './time.tsx'

type Used = {
  lastUsedAt: number | null
  lastUsedBy: { ip: string | null; program: string | null } | null
}

/** Facts of one token as a row of terms; `children` come first. */
export function TokenFacts(props: {
  token: { lastFour: string; createdAt: number; lastUsedAt: number | null; expiresAt: number | null }
  children?: Child
}) {
  const { token } = props
  return (
    <dl class="panel grid grid-cols-2 lg:grid-cols-5 gap-x-6 gap-y-3 p-4 text-sm [&_dt]:text-xs [&_dt]:text-muted">
      {props.children}
      <TokenFact name="Value">
        <code>hf_…{token.lastFour}</code>
      </TokenFact>
      <TokenFact name="Created">
        <Time at={token.createdAt} />
      </TokenFact>
      <TokenFact name="Last used">
        {token.lastUsedAt === null ? 'Not yet used' : <Time at={token.lastUsedAt} />}
      </TokenFact>
      <TokenFact name="Expires">
        <Expiry at={token.expiresAt} />
      </TokenFact>
    </dl>
  )
}

export function TokenFact(props: { name: string; children: Child }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  )
}

/** Who would notice that the value stops working; nothing for a token that was never used. */
export function LastUse({ token, advice }: { token: Used; advice: string }) {
  if (token.lastUsedAt === null) return null
  return (
    <Notice kind="warning" small={true}>
      Used <Time at={token.lastUsedAt} />
      {token.lastUsedBy?.ip && (
        <>
          {' '}
          from <code>{token.lastUsedBy.ip}</code>
        </>
      )}
      {token.lastUsedBy?.program && (
        <>
          {' '}
          by <code class="[overflow-wrap:anywhere]">{token.lastUsedBy.program}</code>
        </>
      )}
      . {advice}
    </Notice>
  )
}
