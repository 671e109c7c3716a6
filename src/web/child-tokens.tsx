/* On the page of a token: the narrower ones that it derived, and how it derives one. */
import { Button } from './button.tsx'
import { Cell, Row, RowHead, Rows } from './rows.tsx'
import { Snippet } from './snippet.tsx'
import { Time } from './time.tsx'

export type ChildView = {
  id: string
  name: string
  lastFour: string
  /** "model:acme/x=repo.content.read", or the role for a classic one. */
  permissions: readonly string[]
  role: string
  usesLeft: number | null
  lastUsedAt: number | null
  expiresAt: number
}

/** `address` of the token's page; *End* posts to `{address}/children/{id}/end`. `hub`: its address, for the example. */
export function ChildTokens(props: { tokens: readonly ChildView[]; address: string; hub: string }) {
  const example = `curl ${props.hub}/api/tokens/derive -H "Authorization: Bearer $HF_TOKEN" \\
  -H 'content-type: application/json' -d '{"role": "read", "seconds": 3600}'`
  return (
    <section class="grid grid-cols-[minmax(0,1fr)] gap-3" aria-labelledby="children-h">
      <div>
        <h2 id="children-h">Child tokens</h2>
        <p class="text-sm text-muted">
          For an agent, a notebook or one job, a token derives a narrower one of itself, for a day at most. Editing,
          refreshing or deleting the token ends its children.
        </p>
      </div>
      {props.tokens.length > 0 && (
        <div class="panel">
          <Rows caption="Child tokens of this token" columns={columns}>
            {props.tokens.map((child) => (
              <ChildLine child={child} address={props.address} />
            ))}
          </Rows>
        </div>
      )}
      <details class="text-sm">
        <summary class="font-medium">How to derive one</summary>
        <div class="pt-3">
          <Snippet code={example} label="command that derives a child token" />
        </div>
      </details>
    </section>
  )
}

const columns = [
  { label: 'Name' },
  { label: 'May' },
  { label: 'Value' },
  { label: 'Last used' },
  { label: 'Ends' },
  { label: 'End it', silent: true },
]

function ChildLine({ child, address }: { child: ChildView; address: string }) {
  const { usesLeft } = child
  return (
    <Row>
      <RowHead>
        <span class="[overflow-wrap:anywhere]">{child.name}</span>
      </RowHead>
      <Cell label="May">
        <span class="text-xs text-muted [overflow-wrap:anywhere]">
          {child.permissions.length === 0 ? child.role : child.permissions.join(', ')}
        </span>
      </Cell>
      <Cell label="Value" class="nowrap">
        <code class="text-muted">hf_…{child.lastFour}</code>
      </Cell>
      <Cell label="Last used" class="nowrap">
        {child.lastUsedAt === null ? <span class="text-muted">Not yet used</span> : <Time at={child.lastUsedAt} />}
      </Cell>
      <Cell label="Ends" class="nowrap">
        <span>
          <Time at={child.expiresAt} />
          {usesLeft !== null && (
            <span class="text-xs text-muted block mt-0.5">
              {usesLeft} {usesLeft === 1 ? 'request' : 'requests'} left
            </span>
          )}
        </span>
      </Cell>
      <Cell class="act">
        <form method="post" action={`${address}/children/${encodeURIComponent(child.id)}/end`}>
          <Button label={`End ${child.name}`}>End</Button>
        </form>
      </Cell>
    </Row>
  )
}
