import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from './config.ts'

const bucket = {
  HOLDFAST_S3_BUCKET: 'models',
  HOLDFAST_S3_ACCESS_KEY_ID: 'AKID',
  HOLDFAST_S3_SECRET_ACCESS_KEY: 'very secret',
}
const fault = (env: Record<string, string>): string => {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'no fault'
}

describe('the settings of an object storage', () => {
  test('without a bucket there is none, and the others alone are refused', () => {
    expect(readConfig({}).s3).toBeNull()
    expect(fault({ HOLDFAST_S3_ENDPOINT: 'http://s3.test' })).toContain('HOLDFAST_S3_BUCKET: the other settings')
    expect(fault({ HOLDFAST_S3_REDIRECT: 'true' })).toContain('HOLDFAST_S3_BUCKET')
  })

  test('a bucket needs keys; what is told never shows them', () => {
    const told = fault({ HOLDFAST_S3_BUCKET: 'models', HOLDFAST_S3_SECRET_ACCESS_KEY: 'very secret' })
    expect(told).toContain('HOLDFAST_S3_ACCESS_KEY_ID: the bucket needs it.')
    expect(told).not.toContain('very secret')
    expect(fault({ ...bucket, HOLDFAST_S3_BUCKET: 'Not A Bucket' })).toContain('the name of a bucket')
    expect(fault({ ...bucket, HOLDFAST_S3_PREFIX: '/../up' })).toContain('HOLDFAST_S3_PREFIX')
  })

  test('Amazon puts the bucket into the host name, others into the path, unless said', () => {
    expect(readConfig(bucket).s3).toEqual({
      endpoint: null,
      bucket: 'models',
      region: 'us-east-1',
      prefix: '',
      accessKeyId: 'AKID',
      secretAccessKey: 'very secret',
      isPathStyle: false,
      publicEndpoint: null,
      isRedirecting: false,
    })
    const own = { ...bucket, HOLDFAST_S3_ENDPOINT: 'http://minio:9000', HOLDFAST_S3_PREFIX: 'a/b' }
    expect(readConfig(own).s3).toMatchObject({ isPathStyle: true, prefix: 'a/b/' })
    expect(readConfig({ ...own, HOLDFAST_S3_FORCE_PATH_STYLE: 'false' }).s3?.isPathStyle).toBe(false)
    expect(Object.keys(readConfig(own)).some((name) => name.startsWith('s3S') || name.startsWith('s3A'))).toBe(false)
  })

  test('clients must not find the store on the host name of the hub: they would send their tokens there', () => {
    const at = (hub: string, store: string, more: Record<string, string> = {}) =>
      fault({
        ...bucket,
        HOLDFAST_URL: hub,
        HOLDFAST_S3_PUBLIC_ENDPOINT: store,
        HOLDFAST_S3_FORCE_PATH_STYLE: 'true',
        ...more,
      })
    const refusal = 'the host name of this hub itself'
    expect(at('https://hub.test', 'https://hub.test:9000')).toContain(refusal)
    expect(at('https://hub.test', 'https://HUB.test:9000')).toContain(refusal)
    expect(at('https://hub.test', 'https://s3.hub.test')).toBe('no fault')
    expect(at('http://127.0.0.1:3000', 'http://localhost:9000')).toBe('no fault')
    expect(
      fault({ ...bucket, HOLDFAST_S3_PUBLIC_ENDPOINT: 'http://localhost:9000', HOLDFAST_S3_FORCE_PATH_STYLE: 'true' }),
    ).toContain(refusal)
    // The bucket is part of the host name.
    expect(at('https://models.s3.test', 'https://s3.test', { HOLDFAST_S3_FORCE_PATH_STYLE: 'false' })).toContain(
      refusal,
    )
    expect(at('https://s3.test', 'https://s3.test', { HOLDFAST_S3_FORCE_PATH_STYLE: 'false' })).toBe('no fault')
    expect(fault({ ...bucket, HOLDFAST_S3_REDIRECT: 'true' })).toContain('HOLDFAST_S3_REDIRECT: it needs')
  })
})

describe("the settings of a company's sign-in", () => {
  const company = { HOLDFAST_OIDC_ISSUER: 'https://login.acme.example', HOLDFAST_OIDC_CLIENT_ID: 'holdfast' }

  test('without an issuer there is none, and what needs it alone is refused', () => {
    expect(readConfig({}).company).toBeNull()
    const alone: Record<string, string>[] = [
      { HOLDFAST_OIDC_ISSUER: company.HOLDFAST_OIDC_ISSUER },
      { HOLDFAST_OIDC_CLIENT_ID: 'holdfast' },
      { HOLDFAST_OIDC_CLIENT_SECRET: 'very secret' },
      { HOLDFAST_OIDC_ONLY: 'true' },
    ]
    for (const env of alone) {
      expect(fault(env)).toContain('HOLDFAST_OIDC_ISSUER: it and HOLDFAST_OIDC_CLIENT_ID are needed')
    }
    expect(fault({ ...company, HOLDFAST_OIDC_SCOPES: 'profile' })).toContain('a list of scopes with openid in it')
    expect(fault({ ...company, HOLDFAST_OIDC_ISSUER: 'ftp://acme.example' })).toContain('HOLDFAST_OIDC_ISSUER')
  })

  test('nobody joins, nobody is connected by an address, and passwords stay, unless said', () => {
    expect(readConfig(company).company).toEqual({
      issuer: 'https://login.acme.example',
      clientId: 'holdfast',
      clientSecret: null,
      name: 'your company',
      scopes: 'openid profile email',
      usernameClaim: 'preferred_username',
      groupsClaim: 'groups',
      mayJoin: false,
      trustsEmail: false,
      emailDomains: [],
      secondFactor: [],
      isOnly: false,
    })
    const domains = readConfig({ ...company, HOLDFAST_OIDC_ALLOWED_EMAIL_DOMAINS: ' Acme.example, king.example ' })
    expect(domains.company?.emailDomains).toEqual(['acme.example', 'king.example'])
  })

  test('the secret may lie in a file; what is told never shows it', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-config-'))
    try {
      const file = path.join(folder, 'secret')
      await writeFile(file, 'very secret\n')
      const withFile = { ...company, HOLDFAST_OIDC_CLIENT_SECRET_FILE: file }
      expect(readConfig(withFile).company?.clientSecret).toBe('very secret')
      const both = fault({ ...withFile, HOLDFAST_OIDC_CLIENT_SECRET: 'very secret' })
      expect(both).toContain('HOLDFAST_OIDC_CLIENT_SECRET is set too')
      expect(both).not.toContain('very secret')
      expect(fault({ ...withFile, HOLDFAST_OIDC_CLIENT_SECRET_FILE: `${file}.gone` })).toContain('ENOENT')
      await writeFile(file, ' \n')
      expect(fault(withFile)).toContain('is empty')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
