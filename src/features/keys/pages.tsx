/* Keys that sign one's commits: the lists, and the two forms that add one, with the commands that make and use it. */
import type { Child } from 'hono/jsx'
import { serviceAccountEmail } from '../../domain/commit-identity.ts'
import { Badge, Expiry } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { TextArea } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { counted } from '../../web/size.ts'
import { Snippet } from '../../web/snippet.tsx'
import { Time } from '../../web/time.tsx'
import type { EmailMatch, KeyKind, SigningKey } from './service.ts'

export const keysPath = '/settings/keys'

export type KeyDialog = { readonly signingKey: SigningKey; readonly commits: number }

const kindWords = { gpg: 'GPG', ssh: 'SSH' } as const

/** Posts nothing but the press to /settings/keys/{id}/delete (?dialog=delete&key=...). */
export function KeysPage(props: { context: PageContext; keys: readonly SigningKey[]; dialog: KeyDialog | null }) {
  return (
    <YourSettingsPage
      context={props.context}
      title="GPG and SSH keys"
      current={keysPath}
      dialog={props.dialog && <DeleteKeyDialog {...props.dialog} base={keysPath} />}
    >
      <PageHead
        title="GPG and SSH keys"
        lede="Commits that you sign with one of these keys, for an address that you verified, are shown as Verified."
      />
      <KeyList kind="gpg" keys={props.keys} base={keysPath} adds={true} />
      <KeyList kind="ssh" keys={props.keys} base={keysPath} adds={true} />
    </YourSettingsPage>
  )
}

type KeyListProps = {
  kind: KeyKind
  keys: readonly SigningKey[]
  /** The address of the list. */
  base: string
  /** Each kind has a form of its own, below the list's address. */
  adds: boolean
}

function KeyList({ kind, keys, base, adds }: KeyListProps) {
  const word = kindWords[kind]
  const own = keys.filter((key) => key.kind === kind)
  const add = adds && (
    <LinkButton look="line" icon="plus" href={`${base}/add-${kind}`}>
      Add {word} Key
    </LinkButton>
  )
  return (
    <section class="panel" aria-labelledby={`${kind}-h`}>
      <div class="panel-head">
        <h2 id={`${kind}-h`}>{word} keys</h2>
        {own.length > 0 && add && <span class="ml-auto">{add}</span>}
      </div>
      {own.length === 0 ? (
        <Empty icon="key-round" title={`No ${word} keys`} action={add}>
          {kind === 'gpg'
            ? 'Add the public half of the key with which git signs your commits.'
            : 'The same kind of key that you log in to servers with can sign commits, from git 2.34 on.'}
        </Empty>
      ) : (
        <Rows
          caption={`${word} keys`}
          columns={[
            { label: 'Key' },
            ...(kind === 'gpg' ? [{ label: 'Addresses' }] : []),
            { label: 'Expires' },
            { label: 'Added' },
            { label: 'Delete', silent: true },
          ]}
        >
          {own.map((key) => (
            <KeyRow signingKey={key} base={base} />
          ))}
        </Rows>
      )}
    </section>
  )
}

function KeyRow({ signingKey: key, base }: { signingKey: SigningKey; base: string }) {
  const { signers, otherKeys, revokedAt, expiresAt } = key.details
  const subkeys = signers.filter(({ fingerprint }) => fingerprint !== key.fingerprint)
  return (
    <Row>
      <RowHead>
        <span class="[overflow-wrap:anywhere]">{key.title}</span> <Badge>{signers[0]?.algorithm ?? ''}</Badge>{' '}
        {revokedAt !== null && (
          <Badge look="error" icon="octagon-alert">
            revoked
          </Badge>
        )}
        <code class="block font-normal text-xs text-muted [overflow-wrap:anywhere]">{key.fingerprint}</code>
        {key.kind === 'gpg' && subkeys.length + otherKeys.length > 0 && (
          <span class="block font-normal text-xs text-muted [overflow-wrap:anywhere]">
            {subkeys.length > 0 && <>signs with {subkeys.map(({ id }) => id).join(', ')}</>}
            {subkeys.length > 0 && otherKeys.length > 0 && '; '}
            {otherKeys.length > 0 && <>does not sign: {otherKeys.map(({ id }) => id).join(', ')}</>}
          </span>
        )}
      </RowHead>
      {key.kind === 'gpg' && (
        <Cell label="Addresses">
          <ul class="grid gap-1">
            {key.emails.map(({ address, match }) => (
              <li class="flex flex-wrap items-center gap-1.5 [overflow-wrap:anywhere]">
                {address} <MatchBadge match={match} />
              </li>
            ))}
            {key.emails.length === 0 && <li class="text-muted">none</li>}
          </ul>
        </Cell>
      )}
      <Cell label="Expires" class="nowrap">
        <Expiry at={expiresAt} />
      </Cell>
      <Cell label="Added" class="nowrap">
        <Time at={key.createdAt} />
      </Cell>
      <Cell class="act">
        <LinkButton
          look="danger"
          href={`${base}?dialog=delete&key=${encodeURIComponent(key.id)}`}
          dialog={true}
          label={`Delete the key ${key.title}`}
        >
          Delete
        </LinkButton>
      </Cell>
    </Row>
  )
}

/** Only the first can ever lead to Verified (GPG-3). */
function MatchBadge({ match }: { match: EmailMatch }) {
  switch (match) {
    case 'verified':
      return (
        <Badge look="bare-success" icon="check">
          verified
        </Badge>
      )
    case 'unverified':
      return (
        <Badge look="warning" icon="triangle-alert" href="/settings/account" title="Verify this address of yours">
          not verified yet
        </Badge>
      )
    case 'none':
      return (
        <Badge look="warning" icon="triangle-alert" href="/settings/account" title="Add this address to your account">
          not an address of yours
        </Badge>
      )
  }
}

function DeleteKeyDialog({ signingKey: key, commits, base }: KeyDialog & { base: string }) {
  const word = kindWords[key.kind]
  return (
    <Dialog
      title={`Delete the ${word} key ${key.title}`}
      closeHref={base}
      action={`${base}/${encodeURIComponent(key.id)}/delete`}
      submit={
        <Button look="error" icon="trash-2">
          Delete {word} key
        </Button>
      }
    >
      <p class="text-sm">
        {commits === 0
          ? 'No commit is shown as Verified by this key.'
          : `${counted(commits, 'commit')} that ${commits === 1 ? 'is' : 'are'} shown as Verified by this key will be Unverified from then on.`}
      </p>
      <p class="text-sm text-muted">
        If somebody else may have the private half, revoke it first and add the revoked key here: whatever it signed
        stays Unverified.
      </p>
    </Dialog>
  )
}

type MachineKeysProps = {
  context: PageContext
  organization: string
  account: { id: string; name: string }
  keys: readonly SigningKey[]
  form: FormState
  dialog: KeyDialog | null
}

/** The keys of a service account; posts `key` to its own address, the press to {address}/{id}/delete. */
export function MachineKeysPage(props: MachineKeysProps) {
  const { organization, account } = props
  const accounts = organizationSettingsPath(organization, 'service-accounts')
  const here = `${accounts}/${account.id}/keys`
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Keys of ${account.name}`}
      place="service-accounts"
      crumbs={[
        { label: 'Service accounts', href: accounts },
        { label: account.name, href: `${accounts}/${account.id}` },
        { label: 'Keys' },
      ]}
      dialog={props.dialog && <DeleteKeyDialog {...props.dialog} base={here} />}
    >
      <PageHead
        title={`Keys of ${account.name}`}
        lede={
          <>
            Commits that it signs as <code class="break-all">{serviceAccountEmail(account.id)}</code> with one of these
            keys are shown as Verified.
          </>
        }
      />
      <KeyList kind="gpg" keys={props.keys} base={here} adds={false} />
      <KeyList kind="ssh" keys={props.keys} base={here} adds={false} />
      <SettingsSection id="add-h" title="Add a key">
        <form class="p-4 grid gap-4" method="post" action={here}>
          <FormProblem form={props.form} />
          <TextArea
            form={props.form}
            name="key"
            label="Public key"
            rows={8}
            maxlength={100_000}
            mono={true}
            help="An OpenPGP public key block, or the line of an SSH public key."
          />
          <div>
            <Button look="primary">Add Key</Button>
          </div>
        </form>
      </SettingsSection>
    </OrganizationSettingsPage>
  )
}

/** Posts `key` to its own address. */
export function AddKeyPage(props: { context: PageContext; kind: KeyKind; form: FormState; email: string }) {
  const { kind } = props
  const word = kindWords[kind]
  return (
    <YourSettingsPage context={props.context} title={`Add ${word} Key`} current={keysPath}>
      <PageHead
        title={`Add ${word} Key`}
        lede="Paste the public key. The private half stays with you; this hub never needs it."
      />
      <form class="panel p-4 grid gap-4" method="post" action={`${keysPath}/add-${kind}`}>
        <FormProblem form={props.form} />
        <TextArea
          form={props.form}
          name="key"
          label={`${word} public key`}
          rows={kind === 'gpg' ? 10 : 4}
          maxlength={100_000}
          mono={true}
          help={
            kind === 'gpg'
              ? 'From "-----BEGIN PGP PUBLIC KEY BLOCK-----" to "-----END PGP PUBLIC KEY BLOCK-----".'
              : 'One line that begins with "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa" or "sk-...".'
          }
        />
        <div class="flex gap-2">
          <Button look="primary">Add Key</Button>
          <LinkButton href={keysPath}>Cancel</LinkButton>
        </div>
      </form>
      <Notice kind="info" standing={true} small={true}>
        Commits count as Verified when the address of their committer is one of {kind === 'gpg' && 'the key and of '}
        your account, and you have verified it.
      </Notice>
      {kind === 'gpg' ? <GpgCommands email={props.email} /> : <SshCommands email={props.email} />}
    </YourSettingsPage>
  )
}

function GpgCommands({ email }: { email: string }) {
  return (
    <Commands title="With gpg">
      <Step title="List the keys that you have" code="gpg --list-secret-keys --keyid-format=long" />
      <Step
        title="Make one, with your name and address"
        code={`gpg --quick-generate-key "Your Name <${email}>" ed25519 sign 2y`}
      />
      <Step title="Export its public half, and paste what it prints" code={`gpg --armor --export ${email}`} />
      <Step
        title="Tell git to sign with it"
        code={`git config --global user.email ${email}\ngit config --global user.signingkey KEY_ID\ngit config --global commit.gpgsign true`}
      />
    </Commands>
  )
}

function SshCommands({ email }: { email: string }) {
  return (
    <Commands title="With ssh">
      <Step title="List the keys that you have" code="ls ~/.ssh/*.pub" />
      <Step title="Make one" code={`ssh-keygen -t ed25519 -C "${email}"`} />
      <Step title="Print its public half, and paste it" code="cat ~/.ssh/id_ed25519.pub" />
      <Step
        title="Tell git to sign with it"
        code={`git config --global user.email ${email}\ngit config --global gpg.format ssh\ngit config --global user.signingkey ~/.ssh/id_ed25519.pub\ngit config --global commit.gpgsign true`}
      />
    </Commands>
  )
}

function Commands(props: { title: string; children: Child }) {
  return (
    <SettingsSection id="commands-h" title={props.title}>
      <ol class="p-4 grid gap-4">{props.children}</ol>
    </SettingsSection>
  )
}

function Step({ title, code }: { title: string; code: string }) {
  return (
    <li class="grid gap-1.5 text-sm min-w-0">
      {title}
      <Snippet code={code} label={title.toLowerCase()} />
    </li>
  )
}
