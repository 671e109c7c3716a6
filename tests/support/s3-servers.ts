/** S3 servers that tests run against: s3rver as a process, and whatever HOLDFAST_TEST_S3_ENDPOINT names (bucket "models" must be there). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { S3Settings } from '../../src/platform/blobs/s3-access.ts'

export interface S3Server {
  readonly settings: S3Settings
  /** How many objects it holds. */
  count(): Promise<number>
  stop(): Promise<void>
}

export async function startS3rver(): Promise<S3Server> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-s3rver-'))
  const script = fileURLToPath(new URL('./s3rver-process.mjs', import.meta.url))
  const child = spawn(process.execPath, ['--no-deprecation', '--openssl-legacy-provider', script, folder, 'models'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => {
      throw new Error('s3rver did not start.')
    }),
  ])
  const endpoint = `http://127.0.0.1:${String(port).trim()}`
  return {
    settings: {
      endpoint,
      bucket: 'models',
      region: 'us-east-1',
      prefix: '',
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
      isPathStyle: true,
      publicEndpoint: endpoint,
    },
    count: async () => {
      const names = await readdir(folder, { recursive: true })
      return names.filter((name) => name.endsWith('_object')).length
    },
    stop: async () => {
      child.kill()
      if (child.exitCode === null) await once(child, 'exit')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const given = process.env.HOLDFAST_TEST_S3_ENDPOINT

/** The settings of a real store, under a prefix of this run's own; null where none is given. */
export function givenS3(): S3Settings | null {
  if (given === undefined) return null
  return {
    endpoint: given,
    bucket: 'models',
    region: process.env.HOLDFAST_TEST_S3_REGION ?? 'us-east-1',
    prefix: `test-${Date.now()}/`,
    accessKeyId: process.env.HOLDFAST_TEST_S3_KEY ?? '',
    secretAccessKey: process.env.HOLDFAST_TEST_S3_SECRET ?? '',
    isPathStyle: true,
    publicEndpoint: given,
  }
}

/** As a hub reads them. */
export function s3Environment(settings: S3Settings): Record<string, string> {
  return {
    HOLDFAST_S3_ENDPOINT: settings.endpoint ?? '',
    HOLDFAST_S3_BUCKET: settings.bucket,
    HOLDFAST_S3_REGION: settings.region,
    HOLDFAST_S3_PREFIX: settings.prefix,
    HOLDFAST_S3_ACCESS_KEY_ID: settings.accessKeyId,
    HOLDFAST_S3_SECRET_ACCESS_KEY: settings.secretAccessKey,
    HOLDFAST_S3_FORCE_PATH_STYLE: String(settings.isPathStyle),
    HOLDFAST_S3_PUBLIC_ENDPOINT: settings.publicEndpoint ?? '',
  }
}
