/* One's own tokens that need attention (idea 8): why, and the way to mend each. */
import { LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { Tabs } from '../../web/tabs.tsx'
import { Time } from '../../web/time.tsx'
import { radarPath, tokensPath } from './paths.ts'
import type { Finding, FindingKind } from './radar.ts'

export function TokenTabs({ current }: { current: 'all' | 'attention' }) {
  return (
    <Tabs
      label="Which tokens"
      inPage={true}
      tabs={[
        { href: tokensPath, label: 'All', current: current === 'all' },
        { href: radarPath, label: 'Needs attention', current: current === 'attention' },
      ]}
    />
  )
}

export function RadarPage(props: {
  context: PageContext
  findings: readonly Finding[]
  olderHref: string | null
  firstHref: string | null
}) {
  const { findings } = props
  return (
    <YourSettingsPage context={props.context} title="Tokens that need attention" current={tokensPath}>
      <PageHead
        title="Access Tokens"
        lede="Tokens that nobody seems to need, that can do more than they are used for, or that end soon. A token that is deleted cannot leak."
      />
      <TokenTabs current="attention" />
      {findings.length === 0 && props.firstHref === null ? (
        <section class="panel">
          <Empty icon="circle-check" title="Nothing needs attention">
            A token stands here when it was not used for 90 days or not at all in its first week, when nothing needs
            some of its permissions, or when it is about to expire.
          </Empty>
        </section>
      ) : (
        <>
          <section class="panel" aria-label="Tokens that need attention">
            <Rows
              caption="Tokens that need attention, the newest first"
              columns={[
                { label: 'Token' },
                { label: 'Reason' },
                { label: 'Since' },
                { label: 'Actions', silent: true, class: 'end' },
              ]}
            >
              {findings.map((finding) => (
                <FindingLine finding={finding} />
              ))}
            </Rows>
          </section>
          <MoreRows
            order="Newest token first"
            shown={findings.length}
            olderHref={props.olderHref}
            firstHref={props.firstHref}
          />
        </>
      )}
    </YourSettingsPage>
  )
}

function FindingLine({ finding }: { finding: Finding }) {
  const { token, kind } = finding
  const action = actionOn(kind, encodeURIComponent(token.id))
  return (
    <Row>
      <RowHead>
        <a class="quiet [overflow-wrap:anywhere]" href={`${tokensPath}/${encodeURIComponent(token.id)}`}>
          {token.name}
        </a>{' '}
        <code class="block font-normal text-muted">hf_…{token.last4}</code>
      </RowHead>
      <Cell label="Reason">
        <span class="[overflow-wrap:anywhere]">{finding.advice}</span>
      </Cell>
      <Cell label="Since" class="nowrap text-muted">
        <Time at={finding.since} />
      </Cell>
      <Cell class="end">
        <LinkButton look={action.look} href={action.href} label={`${action.word} ${token.name}`}>
          {action.word}
        </LinkButton>
      </Cell>
    </Row>
  )
}

/** The dialogs of the list, which ask before anything happens; or the page that shows before and after. */
function actionOn(kind: FindingKind, id: string): { word: string; href: string; look: 'line' | 'danger' } {
  switch (kind) {
    case 'expiring':
      return { word: 'Refresh', href: `${tokensPath}?dialog=refresh&token=${id}`, look: 'line' }
    case 'unused_permissions':
      return { word: 'Shrink', href: `${tokensPath}/${id}/usage`, look: 'line' }
    case 'never_used':
    case 'unused':
      return { word: 'Delete', href: `${tokensPath}?dialog=delete&token=${id}`, look: 'danger' }
  }
}
