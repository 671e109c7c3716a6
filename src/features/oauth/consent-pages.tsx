/* The pages on which a person lets an application act: which one, what it gets, where it goes from here, or which device asked. */
import type { Child } from 'hono/jsx'
import { Button } from '../../web/button.tsx'
import { EntryPage } from '../../web/entry-page.tsx'
import { TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'
import { reachesRepos, type ScopeName, scopes } from './scopes.ts'

export const devicePath = '/device'
export const consentPath = '/oauth/authorize/answer'

/** Posts `user_code` to /device. */
export function DevicePage(props: { context: PageContext; form: FormState; userCode: string }) {
  return (
    <EntryPage context={props.context} title="Sign in a device">
      <form class="panel p-5 grid gap-4" method="post" action={devicePath}>
        <p class="text-sm">
          Type the code that your terminal or device shows. You see what asks, and from where, before anything happens.
        </p>
        <FormProblem form={props.form} />
        <TextField
          form={props.form}
          name="user_code"
          label="Code"
          value={props.userCode}
          placeholder="BCDF-GHJK"
          maxlength={20}
          required={true}
          verbatim={true}
          autofocus={props.userCode === ''}
          large={true}
        />
        <Button look="primary" large={true}>
          Continue
        </Button>
      </form>
      <p class="text-center text-sm text-muted">
        Did somebody send you this code? Then close the page: whoever has started the sign-in would get what you allow.
      </p>
    </EntryPage>
  )
}

type Application = {
  readonly name: string
  /** Who registered it; null for one that comes with the hub. */
  readonly ownerName: string | null
}

export type ConsentOrganization = { readonly id: string; readonly name: string; readonly ticked: boolean }

type ConsentProps = {
  context: PageContext
  application: Application
  scopes: readonly ScopeName[]
  organizations: readonly ConsentOrganization[]
  form: FormState
}

type DeviceConsentProps = ConsentProps & {
  device: { userCode: string; ip: string | null; userAgent: string | null; askedAt: number }
}

/** Posts `user_code`, `organization` for each that is ticked, and `answer` to /device/answer. */
export function DeviceConsentPage(props: DeviceConsentProps) {
  const { device, application } = props
  return (
    <EntryPage context={props.context} title="Sign in this device?" lede={signedInAs(props.context)}>
      <form class="panel p-5 grid gap-4" method="post" action={`${devicePath}/answer`}>
        <FormProblem form={props.form} />
        <Notice kind="warning">
          <b>Go on only if you started this yourself.</b> The device that asks shows this code. If somebody sent it to
          you, they would get what you allow here.
        </Notice>
        <p class="text-sm">
          <b>{application.name}</b>, {maker(application)}, asks to act in your name.
        </p>
        <dl class="facts">
          <dt>Code</dt>
          <dd>
            <code class="text-base font-semibold tracking-widest">{device.userCode}</code>
          </dd>
          <dt>Asked from</dt>
          <dd>
            <code>{device.ip ?? 'an unknown address'}</code>
          </dd>
          <dt>By the program</dt>
          <dd>{device.userAgent?.slice(0, 120) ?? 'that does not say its name'}</dd>
          <dt>Asked</dt>
          <dd>
            <Time at={device.askedAt} />
          </dd>
        </dl>
        <Wishes {...props} />
        <input type="hidden" name="user_code" value={device.userCode} />
        <Answers approve="Sign in this device" />
      </form>
      <HowItEnds />
    </EntryPage>
  )
}

type CodeConsentProps = ConsentProps & {
  /** Where the browser goes afterwards: `https://app.example`, or the scheme of a program on this machine. */
  destination: string
  parameters: Readonly<Record<string, string>>
}

/** Posts the parameters that the application sent, `organization` for each that is ticked, and `answer` to /oauth/authorize/answer. */
export function ConsentPage(props: CodeConsentProps) {
  const { application } = props
  return (
    <EntryPage context={props.context} title={`Sign in to ${application.name}?`} lede={signedInAs(props.context)}>
      <form class="panel p-5 grid gap-4" method="post" action={consentPath}>
        <FormProblem form={props.form} />
        <p class="text-sm">
          <b>{application.name}</b>, {maker(application)}, asks to act in your name. Afterwards you go to{' '}
          <code class="[overflow-wrap:anywhere]">{props.destination}</code>.
        </p>
        <Wishes {...props} />
        {Object.entries(props.parameters).map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        <Answers approve={`Sign in to ${application.name}`} />
      </form>
      <HowItEnds />
    </EntryPage>
  )
}

function Wishes({ application, scopes: asked, organizations }: ConsentProps) {
  return (
    <>
      <section class="grid gap-2" aria-labelledby="may-h">
        <h2 id="may-h" class="text-sm font-semibold">
          {application.name} will be able to
        </h2>
        <ul class="grid gap-1.5 text-sm">
          {asked.map((name) => (
            <li class="flex items-start gap-2">
              <Icon name="check" /> <span>{scopes[name].may}</span>
            </li>
          ))}
        </ul>
      </section>
      {reachesRepos(asked) && organizations.length > 0 && (
        <fieldset class="grid gap-1">
          <legend class="font-semibold text-sm mb-1">In your organizations as well</legend>
          {organizations.map(({ id, name, ticked }) => (
            <label class="perm">
              <input class="checkbox checkbox-sm" type="checkbox" name="organization" value={id} checked={ticked} />
              <Who kind="organization" name={name} size="small" />
              <span>{name}</span>
            </label>
          ))}
          <p class="text-xs text-muted">
            It never gets more than you may do there yourself, and an organization may keep tokens out.
          </p>
        </fieldset>
      )}
    </>
  )
}

function Answers({ approve }: { approve: string }): Child {
  return (
    <div class="grid gap-2">
      <Button look="primary" large={true} name="answer" value="approve">
        {approve}
      </Button>
      <Button look="line" large={true} name="answer" value="deny">
        Deny
      </Button>
    </div>
  )
}

function HowItEnds() {
  return (
    <p class="text-center text-sm text-muted">
      You can end this at any time under{' '}
      <a class="a" href="/settings/connected-applications">
        Connected applications
      </a>
      .
    </p>
  )
}

const signedInAs = ({ viewer }: PageContext) => (viewer === null ? '' : `You are signed in as ${viewer.name}`)

function maker({ ownerName }: Application): string {
  return ownerName === null ? 'which comes with this hub' : `registered by ${ownerName}`
}
