/** Real keys in real programs: a GnuPG home and SSH keys of its own, a repository to sign in, and what git says about a commit. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Signers extends AsyncDisposable {
  readonly folder: string
  readonly environment: NodeJS.ProcessEnv
  /** Runs a script of bash in the repository; gives standard output. Throws where it fails. */
  sh(script: string, environment?: Record<string, string>): Promise<string>
  /** Makes a gpg key and gives its fingerprint. `algorithm`: `ed25519`, `rsa2048`, `nistp256`. */
  gpgKey(userId: string, algorithm: string, options?: { expire?: string; usage?: string }): Promise<string>
  exportGpg(fingerprint: string): Promise<string>
  /** Makes an SSH key and gives the path of its private half. */
  sshKey(name: string, type: string, bits?: number): Promise<string>
  /** Commits, signed or not; gives the id. */
  commit(options: {
    gpg?: string
    ssh?: string
    name?: string
    email: string
    message?: string
    date?: string
  }): Promise<string>
  /** The commit object as git has it. */
  raw(oid: string): Buffer
  /** Whether `git verify-commit` accepts it. */
  gitVerifies(oid: string): boolean
  /** Trusts an SSH key for `git verify-commit`. */
  allowSsh(principal: string, publicLine: string): Promise<void>
}

export async function makeSigners(): Promise<Signers> {
  const folder = await mkdtemp(path.join(tmpdir(), 'signers-'))
  const repo = path.join(folder, 'repo')
  const allowed = path.join(folder, 'allowed')
  await writeFile(allowed, '')
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    HOME: folder,
    GNUPGHOME: path.join(folder, 'gnupg'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  }
  const options = { env: environment, maxBuffer: 64 * 1024 * 1024 }
  await run(
    'bash',
    [
      '-euc',
      `mkdir -m 700 "$GNUPGHOME"; git init -q -b main "${repo}"; cd "${repo}"; git config gpg.ssh.allowedSignersFile "${allowed}"`,
    ],
    options,
  )
  const gpg = async (...args: string[]) =>
    (await run('gpg', ['--batch', '--no-tty', '--quiet', ...args], options)).stdout
  let lines = ''
  return {
    folder,
    environment,
    sh: async (script, more = {}) =>
      (await run('bash', ['-euc', script], { ...options, cwd: repo, env: { ...environment, ...more } })).stdout,
    gpgKey: async (userId, algorithm, { expire = 'never', usage = 'sign' } = {}) => {
      await gpg('--passphrase', '', '--quick-generate-key', userId, algorithm, usage, expire)
      const listed = await gpg('--with-colons', '--list-keys', `=${userId}`)
      const fingerprints = [...listed.matchAll(/^fpr:+([0-9A-F]{40}):$/gm)].map(([, fingerprint]) => fingerprint ?? '')
      return fingerprints[0] ?? ''
    },
    exportGpg: (fingerprint) => gpg('--armor', '--export', fingerprint),
    sshKey: async (name, type, bits) => {
      const file = path.join(folder, name)
      await run(
        'ssh-keygen',
        ['-q', '-t', type, ...(bits ? ['-b', String(bits)] : []), '-N', '', '-C', name, '-f', file],
        options,
      )
      return file
    },
    commit: async ({ gpg: key, ssh, name = 'Ada', email, message = 'a commit', date }) => {
      const format = ssh === undefined ? ['-c', 'gpg.format=openpgp'] : ['-c', 'gpg.format=ssh']
      const sign = ssh === undefined ? (key === undefined ? [] : [`-S${key}`]) : [`-S${ssh}`]
      const who = ['-c', `user.name=${name}`, '-c', `user.email=${email}`, '-c', 'commit.gpgsign=false']
      const env = date === undefined ? environment : { ...environment, GIT_COMMITTER_DATE: date, GIT_AUTHOR_DATE: date }
      await run('git', [...format, ...who, 'commit', '-q', '--allow-empty', '-m', message, ...sign], {
        ...options,
        cwd: repo,
        env,
      })
      return (await run('git', ['rev-parse', 'HEAD'], { ...options, cwd: repo })).stdout.trim()
    },
    raw: (oid) => spawnSync('git', ['cat-file', 'commit', oid], { cwd: repo, env: environment }).stdout,
    gitVerifies: (oid) => spawnSync('git', ['verify-commit', oid], { cwd: repo, env: environment }).status === 0,
    allowSsh: async (principal, publicLine) => {
      lines += `${principal} namespaces="git" ${publicLine.trim()}\n`
      await writeFile(allowed, lines)
    },
    [Symbol.asyncDispose]: async () => {
      spawnSync('gpgconf', ['--kill', 'all'], { env: environment })
      await rm(folder, { recursive: true, force: true })
    },
  }
}
