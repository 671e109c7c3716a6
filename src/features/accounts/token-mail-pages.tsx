/* The weekly mail about tokens: its switch in the settings, and the page behind the link in the mail. */
import { Button, LinkButton } from '../../web/button.tsx'
import { EntryPage } from '../../web/entry-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { SettingsSection } from '../../web/page-head.tsx'

/** Posts `do` = on or off to /settings/account/token-mail. */
export function TokenMailSection(props: { isOn: boolean; sendsMail: boolean }) {
  return (
    <SettingsSection id="token-mail-h" title="Mail">
      <form
        class="p-4 flex flex-wrap items-center gap-x-4 gap-y-2"
        method="post"
        action="/settings/account/token-mail"
        aria-labelledby="token-mail-name"
      >
        <div class="flex-1 min-w-60">
          <b class="font-semibold" id="token-mail-name">
            Weekly mail about tokens that need attention: {props.isOn ? 'on' : 'off'}
          </b>
          <p class="text-sm text-muted">
            On Mondays, to your primary address once it is verified: your tokens that end soon or that nothing uses, and
            those of organizations that you administer. Nothing is sent when all is well.
            {!props.sendsMail && ' This hub sends no e-mail at present.'}
          </p>
        </div>
        <Button name="do" value={props.isOn ? 'off' : 'on'}>
          {props.isOn ? 'Switch off' : 'Switch on'}
        </Button>
      </form>
    </SettingsSection>
  )
}

/** Without `action` it is done. Says nothing of whose mail it is: the link may have been passed on. */
export function TokenMailOffPage(props: { context: PageContext; action: string | null }) {
  return (
    <EntryPage context={props.context} title="Weekly mail about tokens">
      {props.action === null ? (
        <div class="panel p-5 grid gap-4">
          <p role="status">The weekly mail about tokens that need attention is switched off.</p>
          <p class="text-sm text-muted">
            To get it again, sign in and switch it on under Account and e-mail in your settings.
          </p>
          <LinkButton look="primary" large={true} href="/settings/account">
            Account and e-mail
          </LinkButton>
        </div>
      ) : (
        <form class="panel p-5 grid gap-4" method="post" action={props.action}>
          <p>Press this to get no more weekly mail about tokens that need attention. All other mail stays as it is.</p>
          <Button look="primary" large={true}>
            Switch this mail off
          </Button>
        </form>
      )}
    </EntryPage>
  )
}
