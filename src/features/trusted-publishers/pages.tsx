/* Which automation elsewhere is trusted, for a repository and for a service account: the list, the form to add one, and its end. */
import type { Child } from 'hono/jsx'
import { repoId, repoPath } from '../../web/address.ts'
import { Button } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { TextArea, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { Snippet } from '../../web/snippet.tsx'
import { Tabs } from '../../web/tabs.tsx'
import { Time } from '../../web/time.tsx'
import { jobSnippet, type PresetName, presetNames, presets } from './presets.ts'

export type PublisherView = {
  id: string
  /** "repository acme/train at GitHub Actions" */
  name: string
  issuer: string
  audience: string
  isDefaultAudience: boolean
  claims: readonly { name: string; values: readonly string[] }[]
  /** Claims that would resist a takeover of the name, and are not asked for. */
  missingIds: readonly string[]
  createdAt: number
  createdBy: string | null
  /** Why it gives nothing any more. */
  deadBecause: string | null
  lastUsedAt: number | null
  lastRun: string | null
}

type PublishersView = {
  publishers: readonly PublisherView[]
  preset: PresetName
  form: FormState
  mayAdd: boolean
  /** To be deleted, after a question. */
  dialog: PublisherView | null
  hubUrl: string
}

/** Posts `preset`, `issuer`, `audience` and the fields of the preset to its own address; to .../{id}/delete nothing. */
export function RepoPublishersPage(props: PublishersView & { context: PageContext; repo: RepoView }) {
  const { context, repo } = props
  const here = repoPath(repo, '/settings/trusted-publishers')
  const resource = `${repo.kind === 'model' ? '' : `${repo.kind}s/`}${repoId(repo)}`
  const kind = repo.kind === 'model' ? '' : ` --repo-type ${repo.kind}`
  return (
    <Page
      context={context}
      title={`Trusted publishers of ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="settings" />}
      dialog={props.dialog && <DeleteDialog publisher={props.dialog} here={here} />}
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5 max-w-4xl">
        <PageHead
          title="Trusted publishers"
          lede={`CI jobs that upload to this ${repo.kind} without a stored token: they prove who they are by an ID token, and get a token for an hour that pushes here and does nothing else.`}
        />
        <Publishers
          {...props}
          here={here}
          resource={resource}
          upload={`hf upload ${repoId(repo)} ./output .${kind}`}
          whose="It pushes in your name, and only while you may push here yourself."
          empty={`A CI job uploads to this ${repo.kind} without any secret: no token to store, none to leak, none that expires.`}
        />
      </div>
    </Page>
  )
}

export function AccountPublishersPage(
  props: PublishersView & {
    context: PageContext
    organization: string
    account: { readonly id: string; readonly name: string }
  },
) {
  const { organization, account } = props
  const accounts = organizationSettingsPath(organization, 'service-accounts')
  const here = `${accounts}/${account.id}/trusted-publishers`
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Trusted publishers of ${account.name}`}
      place="service-accounts"
      crumbs={[
        { label: 'Service accounts', href: accounts },
        { label: account.name, href: `${accounts}/${account.id}` },
        { label: 'Trusted publishers' },
      ]}
      dialog={props.dialog && <DeleteDialog publisher={props.dialog} here={here} />}
    >
      <PageHead
        title={`Trusted publishers of ${account.name}`}
        lede={`CI jobs that act as ${account.name} without a stored token: they prove who they are by an ID token, and get one for an hour that may do what the account may.`}
      />
      <Publishers
        {...props}
        here={here}
        resource={`service-accounts/${organization}/${account.name}`}
        upload={`hf upload ${organization}/my-model ./output .`}
        whose={`It may do all that ${account.name} may.`}
        empty={`A CI job acts as ${account.name} without any secret: no token to store, none to leak, none that expires.`}
      />
    </OrganizationSettingsPage>
  )
}

type PlaceProps = PublishersView & { here: string; resource: string; upload: string; whose: string; empty: string }

function Publishers(props: PlaceProps): Child {
  return (
    <>
      <section class="panel" aria-labelledby="publishers-h">
        <div class="panel-head">
          <h2 id="publishers-h">Who is trusted</h2>
          {props.publishers.length > 0 && <span class="count">{props.publishers.length}</span>}
        </div>
        {props.publishers.length === 0 ? (
          <Empty icon="fingerprint-pattern" title="No trusted publishers">
            {props.empty}
          </Empty>
        ) : (
          <PublisherTable {...props} />
        )}
      </section>
      {props.mayAdd && <AddForm {...props} />}
    </>
  )
}

function PublisherTable({ publishers, here }: PlaceProps) {
  return (
    <Rows
      caption="Trusted publishers"
      columns={[{ label: 'Trusts' }, { label: 'Set up' }, { label: 'Last token' }, { label: 'Actions', silent: true }]}
    >
      {publishers.map((publisher) => (
        <Row off={publisher.deadBecause !== null}>
          <RowHead>
            <Trusts publisher={publisher} />
          </RowHead>
          <Cell label="Set up">
            <span class="text-sm">
              <Time at={publisher.createdAt} />
              {publisher.createdBy && <span class="block text-xs text-muted">by {publisher.createdBy}</span>}
            </span>
          </Cell>
          <Cell label="Last token">
            {publisher.lastUsedAt === null ? (
              <span class="text-muted">never</span>
            ) : (
              <span class="text-sm min-w-0">
                <Time at={publisher.lastUsedAt} />
                {publisher.lastRun && (
                  <span class="block text-xs text-muted [overflow-wrap:anywhere]">{publisher.lastRun}</span>
                )}
              </span>
            )}
          </Cell>
          <Cell class="act">
            <a
              class="icon-btn"
              href={`${here}?dialog=delete&publisher=${publisher.id}`}
              aria-label={`Delete ${publisher.name}`}
              data-dialog=""
            >
              <Icon name="trash-2" />
            </a>
          </Cell>
        </Row>
      ))}
    </Rows>
  )
}

function Trusts({ publisher }: { publisher: PublisherView }) {
  return (
    <span class="grid gap-1 min-w-0">
      <span class="font-medium [overflow-wrap:anywhere]">{publisher.issuer}</span>
      <dl class="grid gap-0.5 font-normal text-xs">
        {publisher.claims.map(({ name, values }) => (
          <div class="[overflow-wrap:anywhere]">
            <dt class="inline text-muted">{name}: </dt>
            <dd class="inline">
              <code>{values.join(' or ')}</code>
            </dd>
          </div>
        ))}
        {!publisher.isDefaultAudience && (
          <div class="[overflow-wrap:anywhere]">
            <dt class="inline text-muted">audience: </dt>
            <dd class="inline">
              <code>{publisher.audience}</code>
            </dd>
          </div>
        )}
      </dl>
      {publisher.deadBecause && <span class="font-normal text-xs">{publisher.deadBecause}</span>}
      {publisher.missingIds.length > 0 && (
        <span class="font-normal text-xs text-muted">
          A name can pass to somebody else: {publisher.missingIds.join(' and ')} would resist that.
        </span>
      )}
    </span>
  )
}

function AddForm(props: PlaceProps) {
  const { form, here, hubUrl } = props
  const preset = presets[props.preset]
  return (
    <SettingsSection id="add-h" title="Add a trusted publisher">
      <div class="p-4 grid grid-cols-[minmax(0,1fr)] gap-4">
        <Tabs
          label="Where the automation runs"
          inPage={true}
          tabs={presetNames.map((name) => ({
            href: `${here}?from=${name}#add-h`,
            label: presets[name].title,
            current: name === props.preset,
          }))}
        />
        <form class="grid gap-4" method="post" action={here}>
          <input type="hidden" name="preset" value={props.preset} />
          <FormProblem form={form} />
          <TextField
            form={form}
            name="issuer"
            label="Issuer"
            value={preset.issuer}
            required={true}
            maxlength={300}
            verbatim={true}
            help={preset.issuerHelp}
          />
          {preset.fields.length > 0 && (
            <div class="grid gap-4 sm:grid-cols-2">
              {preset.fields.map((field) => (
                <TextField
                  form={form}
                  name={field.name}
                  label={field.label}
                  help={field.help}
                  maxlength={500}
                  verbatim={true}
                  {...(field.isRequired === true ? { required: true } : { optional: true })}
                  {...(field.placeholder === undefined ? {} : { placeholder: field.placeholder })}
                />
              ))}
            </div>
          )}
          {props.preset === 'other' && (
            <TextArea
              form={form}
              name="claims"
              label="Claims"
              rows={4}
              maxlength={10_000}
              mono={true}
              help="A line for each: name = value. All must be as they stand here, letter for letter; a name that comes again may have any of its values."
            />
          )}
          <TextField
            form={form}
            name="audience"
            label="Audience"
            optional={true}
            maxlength={300}
            verbatim={true}
            placeholder={hubUrl}
            help={`What the ID token is for. Without one: ${hubUrl}, as huggingface_hub asks for it.`}
          />
          <div class="flex flex-wrap items-center gap-3">
            <Button look="primary" icon="plus">
              Add publisher
            </Button>
            <span class="text-sm text-muted">{props.whose}</span>
          </div>
        </form>
        <div class="grid grid-cols-[minmax(0,1fr)] gap-2">
          <h3 class="text-sm font-semibold">In the job</h3>
          <Snippet code={jobSnippet(props.preset, hubUrl, props.resource, props.upload)} label="lines for the job" />
        </div>
      </div>
    </SettingsSection>
  )
}

function DeleteDialog({ publisher, here }: { publisher: PublisherView; here: string }) {
  return (
    <Dialog
      title="Delete trusted publisher"
      closeHref={here}
      action={`${here}/${publisher.id}/delete`}
      submit={
        <Button look="error" icon="trash-2">
          Delete publisher
        </Button>
      }
    >
      <p class="text-sm [overflow-wrap:anywhere]">
        ID tokens of <b>{publisher.name}</b> are no longer taken, and tokens that it got are refused from the next
        request: jobs that are uploading now fail.
      </p>
      <p class="text-sm text-muted">It can be set up again at any time.</p>
    </Dialog>
  )
}
