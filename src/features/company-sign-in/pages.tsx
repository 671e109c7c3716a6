/* Sign-in through a company: what went wrong on the way, the way there from the settings, and what one's account is connected with. */
import type { HoldfastError } from '../../domain/errors.ts'
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { EntryPage } from '../../web/entry-page.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem, Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { Time } from '../../web/time.tsx'
import type { Connection } from './service.ts'

export const connectionsPath = '/settings/company-sign-in'

/** `again`: where it begins anew; null where that would not help. */
export function CompanyFaultPage(props: {
  context: PageContext
  title: string
  fault: HoldfastError
  again: string | null
  otherWay: { href: string; label: string }
}) {
  const { fault } = props
  return (
    <EntryPage context={props.context} title={props.title}>
      <div class="panel p-5 grid gap-4">
        <Notice kind="error" standing={true}>
          {fault.message}
        </Notice>
        {fault.next && <p>{fault.next}</p>}
        {props.again !== null && (
          <LinkButton look="primary" large={true} href={props.again}>
            Begin again
          </LinkButton>
        )}
        <LinkButton large={true} href={props.otherWay.href}>
          {props.otherWay.label}
        </LinkButton>
      </div>
    </EntryPage>
  )
}

/** Goes on by itself: a form may not lead to another site, a page may. */
export function OnwardPage(props: { context: PageContext; company: string; href: string }) {
  return (
    <EntryPage context={props.context} title={`To ${props.company}`}>
      <div class="panel p-5 grid gap-4">
        <p>You prove there who you are, and come back here.</p>
        <LinkButton look="primary" large={true} href={props.href}>
          Go on to {props.company}
        </LinkButton>
        <LinkButton large={true} href={connectionsPath}>
          Back to your settings
        </LinkButton>
      </div>
    </EntryPage>
  )
}

/** Posts a press to /settings/company-sign-in/connect, and `issuer` to /settings/company-sign-in/disconnect (?dialog=disconnect&issuer=...). */
export function ConnectionsPage(props: {
  context: PageContext
  /** Null where the hub has no such sign-in now. */
  company: string | null
  connections: readonly Connection[]
  form: FormState
  disconnecting: Connection | null
}) {
  const { company, connections } = props
  const isConnected = connections.some(({ isCurrent }) => isCurrent)
  return (
    <YourSettingsPage
      context={props.context}
      title="Connected sign-in"
      current={connectionsPath}
      dialog={props.disconnecting && <DisconnectDialog connection={props.disconnecting} company={company} />}
    >
      <PageHead
        title="Connected sign-in"
        lede={
          company === null
            ? 'This hub signs nobody in through a company.'
            : `Once your account is connected, you sign in through ${company} in place of your password.`
        }
      />
      <FormProblem form={props.form} />
      <SettingsSection id="connections-h" title={company ?? 'Connections'}>
        {connections.length === 0 && (
          <Empty icon="link" title="Not connected">
            {company === null
              ? 'An administrator of the hub can set it up.'
              : `Sign in at ${company} once from here. Your groups there can then give you a place in organizations of this hub.`}
          </Empty>
        )}
        <ul class="[&>li]:px-4 [&>li]:py-3 [&>li+li]:border-t [&>li]:border-line">
          {connections.map((connection) => (
            <li class="flex flex-wrap items-center gap-x-4 gap-y-2">
              <div class="flex-1 min-w-60">
                <span class="flex flex-wrap items-center gap-2">
                  <b class="font-semibold [overflow-wrap:anywhere]">{connection.label}</b>
                  {!connection.isCurrent && <Badge look="warning">not in use</Badge>}
                </span>
                <p class="text-sm text-muted [overflow-wrap:anywhere]">
                  {connection.issuer}, connected <Time at={connection.createdAt} />
                  {connection.lastUsedAt !== null && (
                    <>
                      , last used <Time at={connection.lastUsedAt} />
                    </>
                  )}
                  .
                </p>
              </div>
              <LinkButton look="danger" href={disconnectPath(connection)} dialog={true}>
                Disconnect
              </LinkButton>
            </li>
          ))}
        </ul>
        {company !== null && !isConnected && (
          <form class="p-4 border-t border-line" method="post" action={`${connectionsPath}/connect`}>
            <Button look="primary">Connect with {company}</Button>
          </form>
        )}
      </SettingsSection>
    </YourSettingsPage>
  )
}

function disconnectPath({ issuer }: Connection): string {
  return `${connectionsPath}?dialog=disconnect&issuer=${encodeURIComponent(issuer)}`
}

function DisconnectDialog({ connection, company }: { connection: Connection; company: string | null }) {
  return (
    <Dialog
      title={`Disconnect ${connection.label}?`}
      closeHref={connectionsPath}
      action={`${connectionsPath}/disconnect`}
      submit={<Button look="error">Disconnect</Button>}
    >
      <input type="hidden" name="issuer" value={connection.issuer} />
      <p>
        {connection.isCurrent
          ? `You do not sign in through ${company ?? 'the company'} any more. Your password and your passkeys stay, and so does what your groups there gave you here, until an administrator takes it away.`
          : 'This provider signs nobody in here any more: nothing changes for you.'}
      </p>
    </Dialog>
  )
}
