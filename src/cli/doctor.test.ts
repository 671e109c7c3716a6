import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { s3Environment } from '../../tests/support/s3-servers.ts'
import { StrictS3 } from '../../tests/support/strict-s3.ts'
import { readConfig } from '../config.ts'
import { type Hub, openHub } from '../hub.ts'
import { makeLogger } from '../platform/log/logger.ts'
import { blobStoreFinding } from './doctor.ts'

let folder: string
let hub: Hub | null = null

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-doctor-'))
})

afterEach(async () => {
  await hub?.close()
  hub = null
  await rm(folder, { recursive: true, force: true })
})

async function open(env: Record<string, string> = {}): Promise<Hub> {
  hub = await openHub(readConfig({ HOLDFAST_DATA: folder, ...env }), { log: makeLogger({ level: 'silent' }) })
  return hub
}

test('large files on the disk: a test file comes and goes', async () => {
  const finding = await blobStoreFinding(await open())
  expect(finding).toMatchObject({ what: 'Large files', state: 'ok' })
  expect(finding.detail).toContain(path.join(folder, 'blobs'))
})

test('a folder that cannot be written is said, with what to do', async () => {
  const one = await open()
  await chmod(path.join(folder, 'blobs', 'incoming'), 0o500)
  // To root every folder is open: it looks as somebody else.
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    expect(await blobStoreFinding(one)).toMatchObject({ state: 'broken', mend: expect.stringContaining('permission') })
  } finally {
    if (isRoot) process.seteuid?.(0)
    await chmod(path.join(folder, 'blobs', 'incoming'), 0o700)
  }
})

test('large files in a bucket: there, away, and with a wrong key; never the secret', async () => {
  const s3 = await StrictS3.start()
  try {
    const one = await open(s3Environment(s3.settings))
    expect(await blobStoreFinding(one)).toMatchObject({ state: 'ok', detail: expect.stringContaining('"models"') })
    expect(s3.count()).toBe(0)
    await s3.sleep()
    const away = await blobStoreFinding(one)
    expect([away.state, away.mend]).toEqual(['broken', expect.stringContaining('HOLDFAST_S3_ENDPOINT')])
    expect(JSON.stringify(away)).not.toContain(s3.settings.secretAccessKey)
    await s3.wake()
    await one.close()
    const wrong = await open(s3Environment({ ...s3.settings, secretAccessKey: 'wrong' }))
    expect((await blobStoreFinding(wrong)).detail).toContain('the secret access key or the region is wrong.')
  } finally {
    await s3.stop()
  }
})
