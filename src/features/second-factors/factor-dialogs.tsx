/* What is asked before a second factor goes, or recovery codes are made anew. */
import { Button } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Notice } from '../../web/notice.tsx'

const path = '/settings/authentication'

export type FactorDialog =
  | { kind: 'remove-app' }
  | { kind: 'remove-passkey'; id: string; name: string }
  | { kind: 'recovery-codes' }

type Factors = {
  app: object | null
  passkeys: readonly object[]
  askedForBy: readonly string[]
}

/**
 * Posts a press to /settings/authentication/app/remove, .../passkeys/{id}/remove and .../recovery-codes. At ?dialog=remove-app,
 * ?dialog=remove-passkey&passkey={id}, ?dialog=recovery-codes.
 */
export function FactorDialogs({ dialog, factors }: { dialog: FactorDialog; factors: Factors }) {
  if (dialog.kind === 'recovery-codes') {
    return (
      <Dialog
        title="Make new recovery codes"
        closeHref={path}
        action={`${path}/recovery-codes`}
        submit={<Button look="primary">Make new codes</Button>}
      >
        <p class="text-sm">You get ten new codes. All codes of before stop working at once, used or not.</p>
      </Dialog>
    )
  }
  const what = dialog.kind === 'remove-app' ? 'the authenticator app' : `passkey “${dialog.name}”`
  const target =
    dialog.kind === 'remove-app' ? `${path}/app/remove` : `${path}/passkeys/${encodeURIComponent(dialog.id)}/remove`
  return (
    <Dialog
      title={`Remove ${what}`}
      closeHref={path}
      action={target}
      submit={
        <Button look="error" icon="trash-2">
          {dialog.kind === 'remove-app' ? 'Remove app' : 'Remove passkey'}
        </Button>
      }
    >
      <p class="text-sm">It does not sign you in any more, from now on.</p>
      {(factors.app === null ? 0 : 1) + factors.passkeys.length === 1 && <LastOne askedForBy={factors.askedForBy} />}
    </Dialog>
  )
}

/** Nobody is held: who wants to go without a factor is told what that costs. */
function LastOne({ askedForBy }: { askedForBy: readonly string[] }) {
  return (
    <Notice kind="warning" small={true} standing={true}>
      It is your last second factor: your password alone will sign you in, and your recovery codes go with it.
      {askedForBy.length > 0 &&
        ` ${new Intl.ListFormat('en').format(askedForBy)} ${askedForBy.length === 1 ? 'asks' : 'ask'} members for a second factor: from the next request on you reach only what is public there, with your tokens too.`}
    </Notice>
  )
}
