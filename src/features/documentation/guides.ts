/** The guides of docs/ that this hub serves at /docs, as `scripts/build-guides.mjs` made them. Only names of the list below are ever read. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { markSanitized, type SafeHtml } from '../../web/raw-html.tsx'

export interface GuideEntry {
  /** docs/NAME.md, and /docs/NAME. */
  readonly name: string
  readonly title: string
  /** One line of the list. */
  readonly about: string
}

export interface GuideGroup {
  readonly title: string
  readonly guides: readonly GuideEntry[]
}

export interface Guide {
  readonly title: string
  readonly sections: readonly { readonly id: string; readonly title: string }[]
  readonly html: SafeHtml
}

const entry = (name: string, title: string, about: string): GuideEntry => ({ name, title, about })

export const guideGroups: readonly GuideGroup[] = [
  {
    title: 'Trust',
    guides: [
      entry('trust', 'How trust works here', 'Who may do what, what is checked, and what the marks on the pages mean'),
      entry('explain', 'Why was I denied?', 'What a refusal says, and how to ask before'),
      entry('reasons', 'Reason codes', 'Every code of a refusal, and what would help'),
      entry('signing', 'Signed commits', 'Who vouches for a commit, and how an organization asks for it'),
      entry('model-signatures', 'Signed models', 'Who vouches for the files of a model'),
      entry('scanning', 'Scanning', 'How every file is scanned, what is held, and by what policy'),
      entry('threat-model', 'Threat model', 'What this hub protects, from whom, and what it does not do'),
    ],
  },
  {
    title: 'You',
    guides: [
      entry('tokens', 'Access tokens', 'Refresh with an overlap, limits, child tokens, what a token touched'),
      entry('second-factors', 'Second factors', 'Authenticator apps, passkeys, recovery codes'),
      entry('editing', 'Changing files in the browser', 'Edit, upload, rename, delete, and two people at once'),
      entry('gated-repositories', 'Gated repositories', 'Asking for the files of a repository, and giving them'),
      entry('file-views', 'What the file view shows', 'Formats, limits, and what is left out'),
      entry('xet', 'Xet', 'How large files travel in chunks'),
    ],
  },
  {
    title: 'Organizations',
    guides: [
      entry('organizations', 'Organizations', 'Members, roles, roles for a while, emergency administration'),
      entry('service-accounts', 'Service accounts', 'Identities for pipelines, with tokens of their own'),
      entry('groups-and-workspaces', 'Groups and workspaces', 'Which role counts where'),
      entry('access-preview', 'Access preview', 'Who would gain and lose by a change'),
      entry('access-as-code', 'Access as code', 'Who has which role, as a file'),
      entry('permissions', 'Permissions', 'Who may do what, from the table that decides'),
    ],
  },
  {
    title: 'Automation and sign-in',
    guides: [
      entry('oidc', 'Uploads from CI without a stored token', 'GitHub, GitLab, Forgejo and Kubernetes'),
      entry('oauth', 'Sign in with this hub', 'OAuth, OpenID Connect, and the code of hf auth login'),
      entry('company-sign-in', 'Sign-in through your company', 'Keycloak, Entra ID, Okta, Google'),
      entry('inference', 'Models that answer', 'Call models with your token; attach vLLM, TEI, llama.cpp, Ollama'),
      entry('webhooks', 'Security webhooks', 'Signed messages of what happens to the security of a hub'),
      entry('audit', 'The audit log', 'Events, their proof, and the proof of downloads'),
      entry('rate-limits', 'Rate limits', 'Who is counted, and what clients make of it'),
      entry('errors', 'Errors', 'Every error, what it says and what to do next'),
    ],
  },
  {
    title: 'Running a hub',
    guides: [
      entry('administration', 'Administration', 'Users, jobs, scanners, storage and announcements in the browser'),
      entry('configuration', 'Configuration', 'Every setting'),
      entry('storage', 'Storage', 'Where everything lies, and what may be deleted'),
      entry('backup', 'Backup and restore', 'Copying a hub while it runs'),
      entry('object-storage', 'Large files in an object storage', 'S3 and what is compatible with it'),
      entry('front-server', 'A front server', 'nginx that sends the large files'),
    ],
  },
]

const entries = new Map(guideGroups.flatMap(({ guides }) => guides).map((guide) => [guide.name, guide]))
const shape = z.object({
  title: z.string(),
  sections: z.array(z.object({ id: z.string(), title: z.string() })),
  html: z.string(),
})
const folder = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../dist/guides/' : '../../guides/', import.meta.url),
)

/** Null for a name that is not in the list. */
export async function readGuide(name: string): Promise<Guide | null> {
  if (!entries.has(name)) return null
  const { title, sections, html } = shape.parse(JSON.parse(await readFile(`${folder}${name}.json`, 'utf8')))
  // Our own text, from the package: nobody else wrote any of it.
  return { title, sections, html: markSanitized(html) }
}
