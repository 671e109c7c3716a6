/* Whose signatures of models an organization trusts, and whether it hands out others: the settings page "Model signatures". */
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { PickField, TextArea, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { counted } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import type { TrustedKey } from './trusted-keys.ts'

export type KeyDialog = { readonly trusted: TrustedKey; readonly revisions: number }

type Props = {
  context: PageContext
  organization: string
  keys: readonly TrustedKey[]
  signedOnly: boolean
  /** From the policy. */
  mayChange: boolean
  forms: { readonly key: FormState; readonly policy: FormState }
  dialog: KeyDialog | null
}

/** Posts `name` and `key` to {here}/keys, `only` to {here}/policy, the press to {here}/keys/{id}/delete (?dialog=delete&key=...). */
export function ModelKeysPage(props: Props) {
  const { organization } = props
  const here = organizationSettingsPath(organization, 'model-signatures')
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Model signatures of ${organization}`}
      place="model-signatures"
      dialog={props.dialog && <DistrustDialog here={here} {...props.dialog} />}
    >
      <PageHead
        title="Model signatures"
        lede={`A model.sig in a repository says who signed all its files. It counts where ${organization} trusts whoever did.`}
      />
      <Keys {...props} here={here} />
      {props.mayChange && <AddSection here={here} form={props.forms.key} />}
      <PolicySection {...props} here={here} />
    </OrganizationSettingsPage>
  )
}

function Keys({ keys, mayChange, here, organization }: Props & { here: string }) {
  return (
    <section class="panel" aria-labelledby="keys-h">
      <div class="panel-head">
        <h2 id="keys-h">Trusted keys and certificates</h2>
      </div>
      {keys.length === 0 ? (
        <Empty icon="key-round" title="Nobody is trusted yet">
          Model signatures in repositories of {organization} are shown as unverified.
        </Empty>
      ) : (
        <Rows
          caption="Trusted keys and certificates"
          columns={[{ label: 'Name' }, { label: 'Added' }, ...(mayChange ? [{ label: 'Remove', silent: true }] : [])]}
        >
          {keys.map((key) => (
            <Row>
              <RowHead>
                <span class="[overflow-wrap:anywhere]">{key.name}</span> <Badge>{key.kind}</Badge>
                <code class="block font-normal text-xs text-muted [overflow-wrap:anywhere]">{key.fingerprint}</code>
              </RowHead>
              <Cell label="Added" class="nowrap">
                <Time at={key.createdAt} />
              </Cell>
              {mayChange && (
                <Cell class="act">
                  <LinkButton
                    look="danger"
                    href={`${here}?dialog=delete&key=${encodeURIComponent(key.id)}`}
                    dialog={true}
                    label={`Remove ${key.name}`}
                  >
                    Remove
                  </LinkButton>
                </Cell>
              )}
            </Row>
          ))}
        </Rows>
      )}
    </section>
  )
}

function AddSection({ here, form }: { here: string; form: FormState }) {
  return (
    <SettingsSection id="add-h" title="Trust a key or a certificate">
      <form class="p-4 grid gap-4" method="post" action={`${here}/keys`}>
        <FormProblem form={form} />
        <TextField
          form={form}
          name="name"
          label="Name"
          maxlength={100}
          help="So that people know whose it is. A certificate is called by its subject if you leave this empty."
        />
        <TextArea
          form={form}
          name="key"
          label="Public key or certificate"
          rows={7}
          maxlength={20_000}
          mono={true}
          help="In PEM: a public key of P-256, P-384 or P-521, or a certificate. Of an authority, everybody it vouches for is trusted."
        />
        <div>
          <Button look="primary">Trust it</Button>
        </div>
      </form>
    </SettingsSection>
  )
}

function PolicySection({ signedOnly, mayChange, forms, here, organization }: Props & { here: string }) {
  return (
    <SettingsSection id="policy-h" title="Downloads">
      {mayChange ? (
        <form class="p-4 grid gap-4" method="post" action={`${here}/policy`}>
          <FormProblem form={forms.policy} />
          <PickField
            form={forms.policy}
            name="only"
            legend={`Models of ${organization}`}
            value={signedOnly ? 'signed' : 'all'}
            picks={[
              { value: 'all', label: 'All', help: 'Whether a model is signed is shown. Workspaces may ask for more.' },
              {
                value: 'signed',
                label: 'Signed models only',
                help: 'Nobody gets files of a revision whose model signature is not verified, on any way. Uploads go on.',
              },
            ]}
          />
          <p class="text-sm text-muted">
            Sign a model before you upload it, or upload its model.sig afterwards: a revision is handed out once it is
            verified. git clone needs that of every branch and tag. Datasets and spaces are not concerned.
          </p>
          <div class="flex flex-wrap gap-2">
            <Button look="primary">Save policy</Button>
            <Button action={`${here}/policy/preview`}>Preview which models are affected</Button>
          </div>
        </form>
      ) : (
        <dl class="facts p-4">
          <dt>Handed out</dt>
          <dd>{signedOnly ? 'signed models only' : 'all models'}</dd>
        </dl>
      )}
    </SettingsSection>
  )
}

function DistrustDialog({ here, trusted, revisions }: KeyDialog & { here: string }) {
  return (
    <Dialog
      title={`Remove ${trusted.name}`}
      closeHref={here}
      action={`${here}/keys/${encodeURIComponent(trusted.id)}/delete`}
      submit={
        <Button look="error" icon="trash-2">
          Trust it no longer
        </Button>
      }
    >
      <p class="text-sm">
        {revisions === 0
          ? 'No revision is verified by it.'
          : `${counted(revisions, 'revision')} verified by it ${revisions === 1 ? 'is' : 'are'} unverified at once, and held where only signed models are handed out.`}
      </p>
    </Dialog>
  )
}
