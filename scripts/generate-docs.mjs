// Writes the documents that the code is the source of, from the build. With --check it writes nothing and fails where one is out of date.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { apiReference } from '../dist/access/api-description.js'
import { settings } from '../dist/config.js'
import { errorCatalogue } from '../dist/domain/errors.js'
import { permissionRow, permissions } from '../dist/domain/permissions.js'
import { denialReasons } from '../dist/domain/reasons.js'
import { tokenPermissions } from '../dist/domain/token-permissions.js'
import { routes } from '../dist/features/index.js'

const isCheck = process.argv.includes('--check')
const note = '<!-- Written by `npm run docs` from the code. Do not edit. -->'

function configuration() {
  const rows = Object.values(settings).map(
    ({ env, fallback, about }) =>
      `| \`${env}\` | ${fallback === null ? 'none' : fallback === '' ? 'empty' : `\`${fallback}\``} | ${about} |`,
  )
  return [
    note,
    '# Configuration',
    '',
    'Every setting is an environment variable. A name that begins with `HOLDFAST_` and is not listed here is refused at start.',
    '',
    '| variable | default | what it does |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

function permissionTable() {
  const rows = Object.keys(permissions).map((action) => {
    const row = permissionRow(action)
    const who =
      row.leastOnOwnRepo === undefined ? row.least : `${row.least}; ${row.leastOnOwnRepo} on repos they created`
    const open = [
      row.openWherePublic ? '; anybody where public' : '',
      row.openWhereMembersShow ? '; anybody where the organization shows its members' : '',
      row.leastIsSetting ? ', or what the organization says' : '',
      row.byOrganization ? ' in the organization' : '',
      row.people ? '; people only' : '',
      row.fresh ? '; in a session, a recent sign-in' : '',
    ].join('')
    const token =
      row.token === 'session'
        ? 'none: sign in'
        : row.token === 'any'
          ? 'any'
          : `${row.token.classic === 'read' ? 'read, write' : 'write'}${row.token.fineGrained.length === 0 ? '' : `, or fine-grained with ${row.token.fineGrained.map((name) => `\`${name}\``).join(' or ')}`}${row.listed ? '; `inherit` does not carry it' : ''}`
    return `| \`${action}\` | ${row.title} | ${row.on} | ${who}${open} | ${token} | ${row.audited ? 'yes' : ''} |`
  })
  const tokens = Object.entries(tokenPermissions).map(
    ([name, { on, label }]) => `| \`${name}\` | ${label} | ${on.join(', ')} |`,
  )
  return [
    note,
    '# Permissions',
    '',
    'Roles: `no_access` < `read` < `contributor` < `write` < `admin`. A token only narrows what its owner may do: a person, or a service',
    'account. In a workspace the role there counts, direct or through a group, and not the role in the organization (its administrators',
    'excepted). On a group, `admin` is an administrator of the organization, `write` a manager of the group, `read` everybody else of it.',
    '',
    '| action | may | on | least role | token | audited |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    '## Permissions of fine-grained tokens',
    '',
    '| permission | opens | can be given on |',
    '|---|---|---|',
    ...tokens,
    '',
  ].join('\n')
}

function errors() {
  const rows = Object.entries(errorCatalogue).map(([code, entry]) => {
    const { status, message } = entry
    const next = 'next' in entry ? entry.next : ''
    return `| \`${code}\` | ${status} | ${message.replaceAll('|', '\\|')} | ${next.replaceAll('|', '\\|')} |`
  })
  return [
    note,
    '# Errors',
    '',
    'The `code` member of every error answer is one of these.',
    '',
    '| code | status | message | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

function reasons() {
  const rows = Object.entries(denialReasons).map(
    ([code, { meaning, remedy }]) => `| \`${code}\` | ${meaning} | ${remedy} |`,
  )
  return [
    note,
    '# Why was I denied?',
    '',
    'Every 401 and 403 says why: `X-Hub-Denied: CODE; need=...; have=...; entity=model:acme/x`, in JSON `denied: {code, need, have, entity,',
    'requestId}`; git and huggingface_hub print it after "Reason:". `entity` is the thing that it is about, where the caller sees that. Objects',
    'that are refused inside an answer of Git LFS have `denied` beside their own `error`. The codes are stable. A 404 never carries one, nor',
    'does the 401 that a stranger gets for a repo that is private or missing: what one may not see is answered as what is not there.',
    'Every check at once, also before anything is tried: [explain.md](explain.md).',
    '',
    '| code | what it means | what to do |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

const documents = {
  'docs/reasons.md': reasons(),
  'docs/configuration.md': configuration(),
  'docs/permissions.md': permissionTable(),
  'docs/errors.md': errors(),
  'docs/api.md': `${note}\n${apiReference(routes)}`,
}

const stale = []
for (const [file, text] of Object.entries(documents)) {
  const full = fileURLToPath(new URL(`../${file}`, import.meta.url))
  if (isCheck) {
    if (current(full) !== text) stale.push(file)
  } else {
    writeFileSync(full, text)
  }
}
if (stale.length > 0) {
  console.error(`Out of date: ${stale.join(', ')}. Run "npm run docs".`)
  process.exitCode = 1
}

function current(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}
