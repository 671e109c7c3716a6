/* The deprecated token of an organization: that it is there, and what takes its place. */
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { ShownOnce } from '../../web/shown-once.tsx'
import { Time } from '../../web/time.tsx'
import type { LegacyTokenState } from './service.ts'

export const legacyTokenPath = (organization: string): string =>
  organizationSettingsPath(organization, 'organization-token')

/** Posts to {settings}/organization-token/rotate and /delete. Dialogs at ?dialog=rotate and ?dialog=delete. */
export function LegacyTokenPage(props: {
  context: PageContext
  organization: string
  state: LegacyTokenState
  /** From the policy. */
  mayManage: boolean
  dialog: 'rotate' | 'delete' | null
  /** The new value, in the one answer that has it. */
  value: string | null
}) {
  const { organization, state } = props
  const { token } = state
  const here = legacyTokenPath(organization)
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Token of ${organization}`}
      place="organization-token"
      dialog={props.dialog && token && <Sheet organization={organization} kind={props.dialog} last4={token.last4} />}
    >
      <PageHead
        title="Organization token"
        lede={`A token that acts as ${organization} itself, as hubs had them before there were service accounts.`}
      />
      {props.value !== null && (
        <ShownOnce name={`${organization} (organization)`} value={props.value} closeHref={here} />
      )}
      <Notice kind="warning" standing={true}>
        This kind of token is deprecated: whoever has it reads everything of {organization}, it never expires, and
        nobody can tell who used it. A{' '}
        <a class="a" href={organizationSettingsPath(organization, 'service-accounts')}>
          service account
        </a>{' '}
        belongs to {organization} too, and its tokens can be narrow, short-lived and told apart. Move your programs to
        one, then delete this token.
      </Notice>
      {token === null ? (
        <section class="panel">
          <Empty icon="key-round" title="No organization token">
            {organization} has none, and none can be made here.
          </Empty>
        </section>
      ) : (
        <SettingsSection id="token-h" title="The token">
          <div class="p-4 grid gap-4">
            <dl class="facts">
              <dt>Value</dt>
              <dd>
                <code>api_org_…{token.last4}</code>
              </dd>
              <dt>Role</dt>
              <dd>
                {token.role === 'write' ? 'write: reads and writes every repository' : 'read: reads every repository'}
              </dd>
              <dt>Made</dt>
              <dd>
                <Time at={token.createdAt} />
              </dd>
              <dt>Refreshed</dt>
              <dd>{token.rotatedAt === null ? 'never' : <Time at={token.rotatedAt} />}</dd>
              <dt>Last used</dt>
              <dd>{token.lastUsedAt === null ? 'never' : <Time at={token.lastUsedAt} />}</dd>
            </dl>
            {!state.isTaken && (
              <p class="text-sm text-muted">This hub takes no such tokens at present: it is refused.</p>
            )}
            {props.mayManage && (
              <div class="flex flex-wrap gap-2">
                {state.isTaken && (
                  <LinkButton icon="refresh-cw" href={`${here}?dialog=rotate`} dialog={true}>
                    Refresh token
                  </LinkButton>
                )}
                <LinkButton look="danger" icon="trash-2" href={`${here}?dialog=delete`} dialog={true}>
                  Delete token
                </LinkButton>
              </div>
            )}
          </div>
        </SettingsSection>
      )}
    </OrganizationSettingsPage>
  )
}

function Sheet(props: { organization: string; kind: 'rotate' | 'delete'; last4: string }) {
  const here = legacyTokenPath(props.organization)
  const isDeletion = props.kind === 'delete'
  return (
    <Dialog
      title={isDeletion ? 'Delete the organization token' : 'Refresh the organization token'}
      closeHref={here}
      action={`${here}/${props.kind}`}
      submit={<Button look={isDeletion ? 'error' : 'primary'}>{isDeletion ? 'Delete token' : 'Refresh token'}</Button>}
    >
      <p class="text-sm">
        Every program that has <code>api_org_…{props.last4}</code> is refused from its next request.{' '}
        {isDeletion ? 'No other one can be made here.' : 'The new value is shown once, to you.'}
      </p>
    </Dialog>
  )
}
