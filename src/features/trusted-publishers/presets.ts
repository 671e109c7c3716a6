/** What the form asks for each kind of automation, and the claims that this makes. */
import type { NewPublisher } from './publisher.ts'

export const presetNames = ['github', 'gitlab', 'kubernetes', 'other'] as const
export type PresetName = (typeof presetNames)[number]

export interface PresetField {
  readonly name: string
  readonly label: string
  readonly help: string
  readonly placeholder?: string
  readonly isRequired?: true
}

export interface Preset {
  readonly title: string
  /** Empty: it has to be typed. */
  readonly issuer: string
  readonly issuerHelp: string
  readonly fields: readonly PresetField[]
}

const ids = 'Recommended: who deletes the project gives its name away, but never its number.'

export const presets: Readonly<Record<PresetName, Preset>> = {
  github: {
    title: 'GitHub Actions',
    issuer: 'https://token.actions.githubusercontent.com',
    issuerHelp: 'Of github.com. A GitHub Enterprise Server has its own: https://HOST/_services/token.',
    fields: [
      {
        name: 'repository',
        label: 'Repository',
        help: 'Owner and name, as in its address.',
        placeholder: 'acme/train',
        isRequired: true,
      },
      {
        name: 'repository_id',
        label: 'Repository id',
        help: `${ids} gh api repos/OWNER/NAME --jq .id tells it.`,
        placeholder: '123456789',
      },
      {
        name: 'environment',
        label: 'Environment',
        help: 'Of the job. Its protection rules say who may run it.',
        placeholder: 'release',
      },
      { name: 'ref', label: 'Ref', help: 'The only branch or tag whose jobs count.', placeholder: 'refs/heads/main' },
    ],
  },
  gitlab: {
    title: 'GitLab CI',
    issuer: 'https://gitlab.com',
    issuerHelp: 'The address of the GitLab, without a slash at its end.',
    fields: [
      {
        name: 'project_path',
        label: 'Project path',
        help: 'Group and project, as in its address.',
        placeholder: 'acme/train',
        isRequired: true,
      },
      {
        name: 'project_id',
        label: 'Project id',
        help: `${ids} It stands on the page of the project.`,
        placeholder: '1234',
      },
      { name: 'environment', label: 'Environment', help: 'Of the job.', placeholder: 'release' },
      {
        name: 'ref_path',
        label: 'Ref',
        help: 'The only branch or tag whose jobs count.',
        placeholder: 'refs/heads/main',
      },
    ],
  },
  kubernetes: {
    title: 'Kubernetes',
    issuer: '',
    issuerHelp: 'Of the cluster: kubectl get --raw /.well-known/openid-configuration tells it.',
    fields: [
      { name: 'namespace', label: 'Namespace', help: 'Of the pod.', placeholder: 'training', isRequired: true },
      {
        name: 'account',
        label: 'Service account',
        help: 'Under which the pod runs.',
        placeholder: 'uploader',
        isRequired: true,
      },
      {
        name: 'uid',
        label: 'UID of the service account',
        help: 'Recommended: one that is deleted and made again has another.',
        placeholder: '0f9d4c1e-…',
      },
    ],
  },
  other: {
    title: 'Other',
    issuer: '',
    issuerHelp: 'The claim "iss" of its ID tokens, letter for letter. This hub asks it for its public keys.',
    fields: [],
  },
}

/** `claims` of the preset `other`: a line for each, `name = value`; a name may come again with another value. */
export function publisherFromForm(preset: PresetName, body: Readonly<Record<string, string>>): NewPublisher {
  const issuer = body.issuer ?? ''
  const audience = body.audience ?? ''
  return {
    issuer,
    audience,
    claims: preset === 'other' ? claimsOfText(body.claims ?? '') : claimsOfFields(preset, body),
  }
}

function claimsOfFields(preset: PresetName, body: Readonly<Record<string, string>>): Record<string, string> {
  const given = Object.fromEntries(
    presets[preset].fields.flatMap(({ name }) => {
      const value = (body[name] ?? '').trim()
      return value === '' ? [] : [[name, value]]
    }),
  )
  if (preset !== 'kubernetes') return given
  const { namespace, account, uid } = given
  return {
    ...(namespace === undefined || account === undefined
      ? {}
      : { sub: `system:serviceaccount:${namespace}:${account}` }),
    ...(uid === undefined ? {} : { 'kubernetes.io/serviceaccount/uid': uid }),
  }
}

function claimsOfText(text: string): Record<string, string[]> {
  const claims: Record<string, string[]> = {}
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const at = line.indexOf('=')
    const name = (at === -1 ? line : line.slice(0, at)).trim()
    const before = Object.hasOwn(claims, name) ? (claims[name] ?? []) : []
    claims[name] = at === -1 ? before : [...before, line.slice(at + 1).trim()]
  }
  return claims
}

/** What a job needs besides: lines to copy. `resource` as the exchange takes it. */
export function jobSnippet(preset: PresetName, url: string, resource: string, upload: string): string {
  const plain = /^[\w./-]+( [\w./-]+)*$/.test(resource)
  const inYaml = plain ? resource : JSON.stringify(resource)
  const inShell = `'${resource.replaceAll("'", "'\\''")}'`
  switch (preset) {
    case 'github':
      return `permissions:
  id-token: write
  contents: read
env:
  HF_ENDPOINT: ${url}
  HF_OIDC_RESOURCE: ${inYaml}
steps:
  - run: pip install -U huggingface_hub
  - run: ${upload}`
    case 'gitlab':
      return `upload:
  image: python:3.13
  id_tokens:
    HF_OIDC_ID_TOKEN:
      aud: ${url}
  variables:
    HF_ENDPOINT: ${url}
    HF_OIDC_RESOURCE: ${inYaml}
  script:
    - pip install -U huggingface_hub
    - ${upload}`
    case 'kubernetes':
      return `# spec.volumes of the pod
- name: hub-token
  projected:
    sources:
      - serviceAccountToken:
          audience: ${url}
          expirationSeconds: 3600
          path: token

# in the container, which mounts it at /var/run/hub
export HF_ENDPOINT=${url} HF_OIDC_RESOURCE=${inShell}
export HF_OIDC_ID_TOKEN="$(cat /var/run/hub/token)"
${upload}`
    case 'other':
      return `export HF_ENDPOINT=${url} HF_OIDC_RESOURCE=${inShell}
export HF_OIDC_ID_TOKEN="..." # for the audience ${url}
${upload}`
  }
}
