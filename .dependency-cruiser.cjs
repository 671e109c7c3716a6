// The import rules of docs/architecture.md, checked by `npm run check`. A rule that stands in the way is changed there first.
const features = {
  identity: [
    'accounts',
    'sessions',
    'second-factors',
    'tokens',
    'token-mail',
    'organizations',
    'organization-tokens',
    'temporary-roles',
    'break-glass',
    'legacy-tokens',
    'groups',
    'workspaces',
    'service-accounts',
    'audit',
    'company-sign-in',
    'security-webhooks',
    'syslog',
  ],
  repos: ['repos', 'storage', 'downloads'],
  content: ['ingest', 'commits', 'files', 'git-http', 'lfs', 'xet', 'viewers'],
  trust: [
    'keys',
    'signatures',
    'scanning',
    'eval-results',
    'model-signatures',
    'attestations',
    'gated',
    'oauth',
    'trusted-publishers',
  ],
  surfaces: [
    'access-as-code',
    'access-preview',
    'access-review',
    'discussions',
    'webhooks',
    'inference',
    'browse',
    'editing',
    'admin',
    'instance',
    'documentation',
  ],
}
const tiers = Object.keys(features)
const folder = (names) => `^src/features/(${names.join('|')})/`
const tests = '\\.test\\.tsx?$'

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'domain-imports-nothing',
      comment: 'Rules are pure: the domain knows only itself and the validation library.',
      severity: 'error',
      from: { path: '^src/domain/', pathNot: tests },
      to: { pathNot: ['^src/domain/', 'node_modules/zod/'] },
    },
    {
      name: 'platform-knows-no-product',
      severity: 'error',
      from: { path: '^src/platform/', pathNot: tests },
      to: { path: '^src/', pathNot: ['^src/platform/', '^src/domain/'] },
    },
    {
      name: 'access-below-features',
      severity: 'error',
      from: { path: '^src/access/', pathNot: tests },
      to: { path: '^src/', pathNot: ['^src/(access|platform|domain|web)/', '^src/(hub|config|version)\\.ts$'] },
    },
    {
      name: 'web-is-only-drawing',
      severity: 'error',
      from: { path: '^src/web/', pathNot: tests },
      to: { path: '^src/', pathNot: ['^src/web/', '^src/domain/'] },
    },
    {
      name: 'features-below-the-program',
      severity: 'error',
      from: { path: '^src/features/' },
      to: { path: '^src/(server|main)\\.ts$|^src/cli/' },
    },
    ...tiers.flatMap((tier, index) => {
      const higher = tiers.slice(index + 1).flatMap((name) => features[name])
      return higher.length === 0
        ? []
        : [
            {
              name: `tier-${tier}-knows-nothing-above`,
              comment: 'A lower tier reaches a higher one only by a job or an event.',
              severity: 'error',
              from: { path: folder(features[tier]), pathNot: tests },
              to: { path: folder(higher) },
            },
          ]
    }),
    {
      name: 'features-meet-at-their-service',
      severity: 'error',
      from: { path: '^src/features/([^/]+)/', pathNot: tests },
      to: { path: '^src/features/([^/]+)/', pathNot: ['^src/features/$1/', '^src/features/[^/]+/service\\.ts$'] },
    },
    {
      name: 'every-feature-has-a-tier',
      severity: 'error',
      from: {},
      to: { path: '^src/features/[^/]+/', pathNot: folder(Object.values(features).flat()) },
    },
    {
      name: 'child-processes-only-in-git',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/platform/git/', '^src/platform/confined/', tests],
      },
      to: { path: '^(node:)?child_process$' },
    },
    {
      name: 'database-drivers-only-in-platform',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/platform/db/' },
      to: { path: 'node_modules/(better-sqlite3|pg)/' },
    },
    {
      name: 'sql-has-its-rooms',
      comment: 'Kysely outside queries.ts, access and platform means SQL in the wrong place.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/platform/', '^src/access/', '/queries\\.ts$', '/[a-z-]+-queries\\.ts$', tests],
      },
      to: { path: 'node_modules/kysely/' },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: ['^src/main\\.ts$', '\\.d\\.ts$'] },
      to: {},
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'tests-stay-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: [tests, '/testing\\.ts$'] },
      to: { path: '^tests/|/testing\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/|^src/web/client/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
