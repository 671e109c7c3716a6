import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { makeTokenValue } from '../../../domain/token.ts'
import { memorySource } from '../byte-source.ts'
import { levelOfAll } from '../conclude.ts'
import { Sandbox } from '../sandbox/sandbox.ts'
import { findSecrets } from './find-secrets.ts'
import { mayHoldSecrets } from './marks.ts'
import { ruleSet } from './rules.ts'
import { scanSecrets } from './scan-secrets.ts'

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** Made anew in each run, so that this file itself holds nothing that looks like a secret. */
const some = (length: number, alphabet = letters) =>
  [...randomBytes(length)].map((byte) => alphabet[byte % alphabet.length]).join('')
const digits = '0123456789'
const hex = '0123456789abcdef'
const ownToken = () => makeTokenValue(randomBytes, () => randomBytes(32))
const pem = (kind = '') =>
  [
    `-----BEGIN ${kind}PRIVATE KEY-----`,
    `MII${some(61)}`,
    ...Array.from({ length: 20 }, () => some(64)),
    `-----END ${kind}PRIVATE KEY-----`,
  ].join('\n')

/** For each rule a value as its maker hands it out. */
const samples: Readonly<Record<string, () => string>> = {
  aws: () => `aws_secret_access_key = ${some(40)}`,
  npm: () => `//registry.npmjs.org/:_authToken=npm_${some(36)}`,
  basicauth: () => `https://build:${some(20)}@git.company.io/x.git`,
  openai: () => `sk-${some(20)}T3BlbkFJ${some(20)}`,
  anthropic: () => `sk-ant-api03-${some(93)}AA`,
  groq: () => `gsk_${some(52)}`,
  linear: () => `lin_api_${some(40)}`,
  notion: () => `ntn_${some(11, digits)}${some(35)}`,
  privatekey: () => pem(),
  sendgrid: () => `SG.${some(22)}.${some(43)}`,
  shopify: () => `shpat_${some(32)}`,
  slack: () => `xoxb-${some(12, digits)}-${some(12, digits)}-${some(24)}`,
  stripe: () => `sk_live_${some(24)}`,
  github: () => `ghp_${some(36)}`,
  gitlab: () => `glpat-${some(20)}`,
  grafana: () => `glsa_${some(32)}_${some(8, hex)}`,
  'database-connection-string': () => `postgresql://app:${some(16)}@db.company.io:5432/app`,
  'hashicorp-vault': () => `hvs.${some(95)}`,
  vercel: () => `vcp_${some(24)}`,
  databricks: () => `dapi${some(32, hex)}`,
  docker: () => `dckr_pat_${some(27)}`,
  figma: () => `figd_${some(40)}`,
  cloudflare: () => `cfut_${some(40)}${some(8, hex)}`,
  tailscale: () => `tskey-auth-${some(16)}-${some(32)}`,
  '1password': () => {
    const account = {
      signInAddress: 'company.1password.com',
      userAuth: { method: 'SRPg-4096', alg: 'PBES2g-HS256', iterations: 650_000, salt: some(22) },
      email: `${some(13)}@1passwordserviceaccounts.com`,
      srpX: some(64, hex),
      muk: { alg: 'A256GCM', ext: true, k: some(43), key_ops: ['encrypt', 'decrypt'], kty: 'oct', kid: 'mp' },
      secretKey: `A3-${some(6)}-${some(6)}-${some(5)}-${some(5)}-${some(5)}-${some(5)}`,
      throttleSecret: { seed: some(64, hex), uuid: some(26) },
      deviceUuid: some(26),
    }
    // As long as the real ones are, by thirds: the closing bracket stands alone in the last three bytes.
    while (JSON.stringify(account).length % 3 !== 1) account.deviceUuid += 'x'
    return `ops_${Buffer.from(JSON.stringify(account)).toString('base64')}`
  },
}

const latin = (text: string) => Buffer.from(text).toString('latin1')
const find = (text: string) => findSecrets(latin(text))
const scan = (text: string | Buffer) => scanSecrets(memorySource(Buffer.from(text)))

describe('what is found', () => {
  test.each(Object.entries(samples))('%s', async (_rule, make) => {
    const secret = make()
    const found = await find(`# a file\n\nvalue: "x"\n${secret}\nend\n`)
    expect(found).toHaveLength(1)
    expect(found[0]?.line).toBe(4)
    // No more of it is told than its kind's prefix (AUTH-10).
    const told = JSON.stringify(found)
    for (const word of secret.match(/[A-Za-z0-9]{16,}/g) ?? []) expect(told).not.toContain(word.slice(0, 12))
    expect(mayHoldSecrets(latin(secret))).toBe(true)
  })

  test('every rule of the preset has a sample, or one line that says why not', () => {
    const ids = ruleSet.rules.map(({ id }) => id.replace('@secretlint/secretlint-rule-', ''))
    // A Google key is JSON around a private key, which is found as such.
    expect(new Set([...Object.keys(samples), 'gcp'])).toEqual(new Set(ids))
  })

  test('a service account key of Google, as its JSON has the line breaks', async () => {
    const key = { type: 'service_account', private_key_id: some(40, hex), private_key: `${pem()}\n` }
    expect(await find(JSON.stringify(key, null, 2))).toMatchObject([{ kind: 'private key', line: 4 }])
  })

  test('tokens of this form, with digits too, wherever they stand', async () => {
    const [one, other] = [ownToken(), ownToken()]
    const found = await find(`HF_TOKEN=${one}\nlogin(token="${other}") # 日本語`)
    expect(found.map(({ line, masked }) => [line, masked])).toEqual([
      [1, 'hf_***'],
      [2, 'hf_***'],
    ])
  })

  test('story: a comment for secretlint in the pushed file does not switch the search off', async () => {
    const text = `// secretlint-disable\n/* secretlint-disable-next-line */\n${samples.github?.()}`
    expect(await find(text)).toHaveLength(1)
  })
})

describe('false alarms: none in what repositories are full of', () => {
  const dollar = '$'
  const words = [
    '# Model\n\n```python\nfrom huggingface_hub import login\nlogin(token="hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")\n```',
    'export HF_TOKEN=hf_your_token_here\nexport HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyz01234567\nHF_TOKEN=hf_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX',
    'token = "hf_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"  # noqa',
    'from transformers import hf_argument_parser, hf_deepspeed_config_with_a_very_long_name_indeed',
    'openai.api_key = "sk-..."\nOPENAI_API_KEY=sk-your-key\nOPENAI_API_KEY="<your key>"\napi_key=os.environ["OPENAI_API_KEY"]',
    'AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\naws_secret_access_key = xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    `GITHUB_TOKEN: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\ntoken: ${dollar}{{ secrets.GITHUB_TOKEN }}\nghp_000000000000000000000000000000000000`,
    `stripe.api_key = "sk_test_${some(24)}"`,
    'DATABASE_URL=postgres://user:password@localhost:5432/db\nmysql://root:root@db/app\nmongodb://user:pass@mongo.example.com/x\npostgresql://postgres:postgres@postgres:5432/postgres\nredis://:pw@host',
    `pip install git+https://${dollar}{TOKEN}@github.com/acme/x\ngit clone https://user:password@huggingface.co/acme/m\nhttps://user:$HF_TOKEN@hub.example/x\nhttps://user:<token>@hub.example/x`,
    '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA...\n-----END RSA PRIVATE KEY-----',
    '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----',
    `//registry.npmjs.org/:_authToken=${dollar}{NPM_TOKEN}`,
    'Write to ada@example.com or see https://example.com:8080/@ada and http://a:b@c',
    'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345',
  ]
  test.each(words)('%s', async (text) => {
    expect(await find(text)).toEqual([])
  })

  test('a tokenizer, a notebook with images, weights in base64 and a lockfile', async () => {
    const vocabulary = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, index) => [`${some(1 + (index % 12))}${index % 7 === 0 ? 'Ġ_' : ''}`, index]),
    )
    expect(await scan(JSON.stringify({ model: { type: 'BPE', vocab: vocabulary } }))).toEqual({
      level: 'safe',
      message: null,
    })
    const image = randomBytes(600_000).toString('base64')
    const cell = { cell_type: 'code', source: ['x'], outputs: [{ data: { 'image/png': image } }] }
    expect(await scan(JSON.stringify({ cells: [cell, cell], nbformat: 4 }))).toEqual({ level: 'safe', message: null })
    expect(await scan(await readFile('package-lock.json'))).toEqual({ level: 'safe', message: null })
  })

  test('the documents and the code of this very project', async () => {
    for (const file of [
      'README.md',
      'docs/service-accounts.md',
      'docs/scanning.md',
      'docs/object-storage.md',
      'src/config.ts',
    ]) {
      expect(await scan(await readFile(file)), file).toMatchObject({ level: 'safe' })
    }
  })
})

describe('the scanner', () => {
  test('MAL-11: in long texts the line is right, what lies across the edge of a window is found once, and its place is told', async () => {
    const [first, second, third] = [ownToken(), ownToken(), `ghp_${some(36)}`]
    const line = 'x'.repeat(99)
    const filler = (lines: number) => `${line}\n`.repeat(lines)
    // A window ends after 1 048 576 bytes: in the middle of the second token.
    const start = `${filler(5)}${first}\n`
    const before = filler(10_400)
    const gap = (1 << 20) - start.length - before.length - 10
    const text = `${start}${before}${' '.repeat(gap)}${second}\n${filler(12_000)}${third}\n`
    const report = await scan(text)
    expect(report.secrets?.map(({ line: at }) => at)).toEqual([6, 10_407, 22_408])
    expect(report.tokenPlaces?.map((at) => text.slice(at, at + 37))).toEqual([first, second])
    expect(report.message).toContain('on line 6')
  })

  test('binary files are not read, and empty ones bear it', async () => {
    expect(await scan(Buffer.concat([Buffer.alloc(8), Buffer.from(`ghp_${some(36)}`)]))).toEqual({
      level: 'safe',
      message: null,
    })
    expect(await scan('')).toEqual({ level: 'safe', message: null })
  })

  test('a list of secrets is counted whole and kept in part', async () => {
    const report = await scan(Array.from({ length: 500 }, () => `ghp_${some(36)}`).join('\n'))
    expect(report.secrets).toHaveLength(100)
    expect(report.message).toContain('and 497 more')
  })

  test('in the sandbox, and no part of the level of a file', async () => {
    const sandbox = new Sandbox()
    const report = await sandbox.run(
      'secrets',
      memorySource(Buffer.from(`a\nghp_${some(36)}\n`)),
      new AbortController().signal,
    )
    await sandbox.close()
    expect(report).toMatchObject({
      level: 'suspicious',
      secrets: [{ kind: 'GitHub token', line: 2, masked: 'ghp_***' }],
    })
    expect(
      levelOfAll([
        { scanner: 'secrets', level: 'suspicious' },
        { scanner: 'yara', level: 'safe' },
      ]),
    ).toBe('safe')
  })

  test('story: texts made to keep regular expressions busy end soon', async () => {
    const hostile = [
      '://a:'.repeat(200_000),
      `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(9_000)}`.repeat(100),
      `postgres://${'a'.repeat(99)}:`.repeat(9_000),
      'hf_'.repeat(300_000),
      'secret_access_key    '.repeat(45_000),
      `aws_secret_access_key${' '.repeat(900_000)}`,
      'SG.a.'.repeat(180_000),
      `ghs_1_${'a'.repeat(500_000)}`,
      'xoxb-a-'.repeat(140_000),
      `https://${'a'.repeat(250)}:${'b'.repeat(250)}@${'c.'.repeat(120)}`.repeat(1_300),
    ]
    for (const text of hostile) {
      const startedAt = performance.now()
      await scan(text)
      expect(performance.now() - startedAt, text.slice(0, 40)).toBeLessThan(10_000)
      const markedAt = performance.now()
      mayHoldSecrets(text)
      // This one runs in the hub itself.
      expect(performance.now() - markedAt, text.slice(0, 40)).toBeLessThan(500)
    }
  })
})
