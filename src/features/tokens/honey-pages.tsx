/* Honey tokens, of a person and of an organization: the same page in two frames. */
import type { Child } from 'hono/jsx'
import { Button } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { ShownOnce } from '../../web/shown-once.tsx'
import { Time } from '../../web/time.tsx'
import { honeyPath, organizationHoneyPath, organizationTokensPath, tokensPath } from './paths.ts'

export type HoneyRow = {
  id: string
  name: string
  place: string
  lastFour: string
  createdAt: number
  used: { at: number; ip: string | null; program: string | null } | null
  reportedAt: number | null
}

/** Posts `name` and `place` to the page's own address, and to …/{id}/delete. `made`: the value, in the answer to the POST alone. */
export function HoneyPage(props: {
  context: PageContext
  /** Null for one's own. */
  organization: string | null
  tokens: readonly HoneyRow[]
  made: { name: string; value: string } | null
  form: FormState
}) {
  const { organization, tokens, made, form } = props
  const here = organization === null ? honeyPath : organizationHoneyPath(organization)
  const readers = organization === null ? 'You are' : `The administrators of ${organization} are`
  return (
    <Frame {...props}>
      <PageHead
        title="Honey tokens"
        lede={`A honey token looks like any access token and opens nothing. Plant it where only a thief would look: a dotfile, an old notebook, a CI variable that nothing reads. ${readers} told of any use, with address and program; whoever uses it is refused as with a deleted token.`}
      />
      {made && (
        <ShownOnce
          name={made.name}
          value={made.value}
          closeHref={here}
          lost="Holdfast keeps no copy; if you lose it, delete this one and make another."
        />
      )}
      <section class="panel" aria-labelledby="honey-h">
        <h2 id="honey-h" class="sr-only">
          Honey tokens
        </h2>
        {tokens.length === 0 ? (
          <Empty icon="key-round" title="No honey tokens yet">
            Make one below, and put it where nobody has any business.
          </Empty>
        ) : (
          <Rows caption="Honey tokens" columns={columns}>
            {tokens.map((token) => (
              <HoneyLine token={token} here={here} />
            ))}
          </Rows>
        )}
      </section>
      <section class="panel p-4 grid gap-4" aria-labelledby="new-honey-h">
        <h2 id="new-honey-h">New honey token</h2>
        <form class="grid gap-4 max-w-xl" method="post" action={here}>
          <FormProblem form={form} />
          <TextField form={form} name="name" label="Name" required={true} maxlength={100} verbatim={true} />
          <TextField
            form={form}
            name="place"
            label="Where it will lie"
            optional={true}
            maxlength={200}
            help="Only you read it: when it is used, you know which place was searched."
          />
          <div>
            <Button look="primary">Make honey token</Button>
          </div>
        </form>
      </section>
    </Frame>
  )
}

const columns = [
  { label: 'Name' },
  { label: 'Value' },
  { label: 'Made' },
  { label: 'Last used' },
  { label: 'Delete', silent: true },
]

function HoneyLine({ token, here }: { token: HoneyRow; here: string }) {
  return (
    <Row>
      <RowHead>
        <span class="[overflow-wrap:anywhere]">{token.name}</span>
        {token.place !== '' && (
          <span class="text-xs text-muted block mt-0.5 [overflow-wrap:anywhere]">{token.place}</span>
        )}
      </RowHead>
      <Cell label="Value" class="nowrap">
        <code class="text-muted">hf_…{token.lastFour}</code>
      </Cell>
      <Cell label="Made" class="nowrap">
        <Time at={token.createdAt} />
      </Cell>
      <Cell label="Last used">
        <span>
          {token.used === null ? (
            <span class="text-muted">Never</span>
          ) : (
            <>
              <b>
                <Time at={token.used.at} />
              </b>
              <span class="text-xs text-muted block mt-0.5 [overflow-wrap:anywhere]">
                from <code>{token.used.ip ?? 'an unknown address'}</code>
                {token.used.program && (
                  <>
                    {' '}
                    by <code>{token.used.program}</code>
                  </>
                )}
              </span>
            </>
          )}
          {token.reportedAt !== null && (
            <span class="text-xs text-muted block mt-0.5">
              reported as leaked <Time at={token.reportedAt} />
            </span>
          )}
        </span>
      </Cell>
      <Cell class="act">
        <form method="post" action={`${here}/${encodeURIComponent(token.id)}/delete`}>
          <Button look="danger" label={`Delete ${token.name}`}>
            Delete
          </Button>
        </form>
      </Cell>
    </Row>
  )
}

function Frame(props: { context: PageContext; organization: string | null; children: Child }) {
  const { context, organization } = props
  if (organization === null) {
    return (
      <YourSettingsPage context={context} title="Honey tokens" current={tokensPath}>
        <nav class="text-sm text-muted" aria-label="Breadcrumb">
          <a class="quiet" href={tokensPath}>
            Access Tokens
          </a>{' '}
          / <span aria-current="page">Honey tokens</span>
        </nav>
        {props.children}
      </YourSettingsPage>
    )
  }
  return (
    <OrganizationSettingsPage
      context={context}
      organization={organization}
      title={`Honey tokens of ${organization}`}
      place="tokens"
      crumbs={[
        { label: 'Tokens that reach us', href: organizationTokensPath(organization) },
        { label: 'Honey tokens' },
      ]}
    >
      {props.children}
    </OrganizationSettingsPage>
  )
}
