/* One's sessions: where one is signed in, and a way to end each. */
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { Time } from '../../web/time.tsx'

export type SessionRow = {
  id: string
  /** "Firefox on Linux"; `unknown program` where the browser says nothing. */
  device: string
  ip: string | null
  createdAt: number
  lastUsedAt: number
  /** The session that asks. */
  isCurrent: boolean
}

const sessionsPath = '/settings/sessions'

/** Posts nothing but the press to /settings/sessions/{id}/end and /settings/sessions/end-others (?dialog=end-others). */
export function SessionsPage(props: {
  context: PageContext
  sessions: readonly SessionRow[]
  dialog: 'end-others' | null
}) {
  const others = props.sessions.filter((session) => !session.isCurrent).length
  return (
    <YourSettingsPage
      context={props.context}
      title="Sessions"
      current={sessionsPath}
      dialog={
        props.dialog && (
          <Dialog
            title="End all other sessions"
            closeHref={sessionsPath}
            action={`${sessionsPath}/end-others`}
            submit={<Button look="error">End all other sessions</Button>}
          >
            <p class="text-sm">
              Every browser but this one is signed out on its next request. Your access tokens are not affected.
            </p>
          </Dialog>
        )
      }
    >
      <PageHead
        title="Sessions"
        lede="The browsers that are signed in as you. End what you do not know, then change your password."
        action={
          others > 0 ? (
            <LinkButton look="danger" href={`${sessionsPath}?dialog=end-others`} dialog={true}>
              End all other sessions
            </LinkButton>
          ) : null
        }
      />
      <section class="panel" aria-label="Your sessions">
        <Rows
          caption="Your sessions"
          columns={[
            { label: 'Browser' },
            { label: 'Address' },
            { label: 'Signed in' },
            { label: 'Last used' },
            { label: 'End', silent: true },
          ]}
        >
          {props.sessions.map((session) => (
            <Row>
              <RowHead>
                {session.device} {session.isCurrent && <Badge>this one</Badge>}
              </RowHead>
              <Cell label="Address">
                <code class="text-muted">{session.ip ?? 'unknown'}</code>
              </Cell>
              <Cell label="Signed in" class="nowrap">
                <Time at={session.createdAt} />
              </Cell>
              <Cell label="Last used" class="nowrap">
                <Time at={session.lastUsedAt} />
              </Cell>
              <Cell class="act">
                {!session.isCurrent && (
                  <form method="post" action={`${sessionsPath}/${encodeURIComponent(session.id)}/end`}>
                    <Button label={`End session of ${session.device}`}>End session</Button>
                  </form>
                )}
              </Cell>
            </Row>
          ))}
        </Rows>
      </section>
    </YourSettingsPage>
  )
}
