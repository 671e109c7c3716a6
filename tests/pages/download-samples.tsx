/** Who downloaded what, as pages show it. `words` stands for whatever a stranger could have chosen: a name, a path, a user agent. */
import type { LatestOfContent } from '../../src/features/downloads/latest.ts'
import { HubDownloadsPage, OrganizationDownloadsPage, RepoDownloadsPage } from '../../src/features/downloads/pages.tsx'
import type { DownloadView } from '../../src/web/download-table.tsx'
import type { PageContext } from '../../src/web/page-context.ts'
import type { RepoView } from '../../src/web/repo-place.tsx'

export function downloadSamples(words: (text: string) => string, context: PageContext, repo: RepoView, now: number) {
  const record: DownloadView = {
    content: `git:${'b'.repeat(40)}`,
    repoKind: 'model',
    repoName: words('acme/model'),
    path: words('eval/loader.pkl'),
    commits: [words('a'.repeat(40))],
    via: 'resolve',
    actorKind: 'user',
    actorName: words('jonas'),
    credentialKind: 'token',
    credentialLast4: words('x7Qa'),
    ip: words('203.0.113.7'),
    userAgent: words('huggingface_hub/1.20'),
    requests: 12,
    bytes: 1_500_000,
    firstAt: now - 60_000,
    lastAt: now,
  }
  const records: DownloadView[] = [
    record,
    { ...record, via: 'git', path: null, bytes: 0, actorKind: 'service-account', actorName: words('nightly build') },
    { ...record, via: 'xet', path: null, actorKind: 'anonymous', actorName: 'anonymous', credentialKind: null },
  ]
  const list = {
    context,
    records,
    olderHref: '/admin/contents/x?cursor=1',
    firstHref: null,
    mode: 'restricted',
  } as const
  const content = { ...list, content: record.content, exportHref: '/api/scan/contents/x/downloads/export' }
  const latest: LatestOfContent = { records, allHref: '/admin/contents/x', mode: 'all' }
  return {
    latest,
    pages: {
      'downloads-hub': <HubDownloadsPage {...content} isComplete={false} />,
      'downloads-hub-none': <HubDownloadsPage {...content} records={[]} isComplete={true} />,
      'downloads-organization': (
        <OrganizationDownloadsPage {...content} isComplete={true} organization={words('acme')} mode="all" />
      ),
      'downloads-repo': <RepoDownloadsPage {...list} repo={repo} />,
    },
  }
}
