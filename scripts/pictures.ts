/**
 * The pictures of the README: `sh bin/with-node scripts/pictures.ts`, with Chromium installed (or `CHROMIUM=/path/to/it`). Starts a hub of its own on the
 * loopback, fills it as people would, and takes pictures of its pages into docs/pictures. Everything else is removed again.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = path.join(root, 'docs', 'pictures')
const password = 'correct horse battery staple'
const readyWithinMs = 60_000

interface Running {
  readonly url: string
  readonly data: string
  stop(): Promise<void>
}

async function main(): Promise<void> {
  const hub = await start()
  try {
    await fill(hub)
    await mkdir(target, { recursive: true })
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--font-render-hinting=none'],
    })
    try {
      await take(browser, hub.url)
    } finally {
      await browser.close()
    }
  } finally {
    await hub.stop()
  }
}

const pictures = [
  { name: 'model', path: '/acme/harbor-7b', dark: false },
  { name: 'files', path: '/acme/harbor-7b/tree/main', dark: false },
  { name: 'trust', path: '/acme/harbor-7b/trust', dark: true },
  { name: 'service-accounts', path: '/organizations/acme/settings/service-accounts', dark: false },
  { name: 'audit-log', path: '/organizations/acme/settings/audit-log', dark: true },
  { name: 'why', path: '/settings/tokens/test?action=repo.push&resource=model:acme/harbor-7b', dark: false },
] as const

async function take(browser: Browser, url: string): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  await page.goto(`${url}/login`)
  await page.getByLabel('Username or e-mail').fill('mara')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(`${url}/`)
  for (const { name, path: address, dark } of pictures) {
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' })
    // Twice: a first view may keep the system's font, and asks for scans.
    await open(page, url + address)
    await page.waitForTimeout(500)
    await open(page, url + address)
    await page.screenshot({ path: path.join(target, `${name}.png`) })
    console.log(`docs/pictures/${name}.png`)
  }
}

async function open(page: Page, address: string): Promise<void> {
  const answer = await page.goto(address)
  if (answer?.status() !== 200) throw new Error(`${address} was answered ${answer?.status()}.`)
}

// The hub and what is in it

async function start(): Promise<Running> {
  spawnSync(process.execPath, [path.join(root, 'scripts', 'build-if-needed.mjs')], { stdio: 'inherit' })
  const data = await mkdtemp(path.join(tmpdir(), 'holdfast-pictures-'))
  const env = {
    PATH: process.env.PATH,
    HOME: data,
    HOLDFAST_DATA: data,
    HOLDFAST_PORT: '0',
    HOLDFAST_LOG_LEVEL: 'warn',
    HOLDFAST_NAME: 'hub.example',
  }
  const server = spawn(process.execPath, [path.join(root, 'dist', 'main.js'), 'serve'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await readyAt(server)
  return {
    url,
    data,
    stop: async () => {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGTERM')
      await ended
      await rm(data, { recursive: true, force: true })
    },
  }
}

function readyAt(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The hub did not start in a minute.')), readyWithinMs)
    let said = ''
    server.stdout?.on('data', (text: Buffer) => {
      said += text
      const url = /Holdfast is ready at (\S+)/.exec(said)?.[1]
      if (url === undefined) return
      clearTimeout(timer)
      resolve(url)
    })
    server.once('exit', (code) => reject(new Error(`The hub ended with ${code} before it was ready.`)))
  })
}

function admin(hub: Running, input: string, ...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: hub.data, HOLDFAST_DATA: hub.data, HOLDFAST_URL: hub.url }
  const done = spawnSync(process.execPath, [path.join(root, 'dist', 'main.js'), 'admin', ...args], {
    env,
    input,
    cwd: root,
  })
  if (done.status !== 0) throw new Error(`holdfast admin ${args[0]}: ${done.stderr}`)
  return String(done.stdout).trim()
}

async function fill(hub: Running): Promise<void> {
  for (const name of ['mara', 'jonas', 'amira']) {
    admin(
      hub,
      `${password}\n`,
      'create-user',
      name,
      '--email',
      `${name}@hub.example`,
      '--password-stdin',
      '--fullname',
      full[name] ?? '',
    )
  }
  const token = admin(hub, '', 'create-token', '--user', 'mara', '--name', 'laptop', '--role', 'write')
  const ask = asking(hub.url, token)
  await ask('POST', '/api/organizations', { name: 'acme', fullname: 'Acme Harbour Works' })
  for (const [username, role] of [
    ['jonas', 'write'],
    ['amira', 'read'],
  ]) {
    await ask('POST', '/api/organizations/acme/members', { user: username, role })
  }
  for (const [name, description] of [
    ['nightly-eval', 'Evaluates every night what was pushed by day'],
    ['release-bot', 'Publishes models that passed'],
  ]) {
    await ask('POST', '/api/organizations/acme/service-accounts', { name, description, role: 'contributor' })
  }
  await ask('POST', '/api/repos/create', { name: 'harbor-7b', organization: 'acme', private: true })
  await ask('POST', '/api/models/acme/harbor-7b/commit/main', lines('First weights', files))
  await ask(
    'POST',
    '/api/models/acme/harbor-7b/commit/main',
    lines('Describe the training data', { 'docs/data.md': '# Data\n' }),
  )
}

const full: Readonly<Record<string, string>> = { mara: 'Mara Lindqvist', jonas: 'Jonas Weber', amira: 'Amira Haddad' }

const card = `---
license: apache-2.0
language: [en, de]
pipeline_tag: text-generation
library_name: transformers
---
# Harbor 7B

A language model for harbour works: berth plans, tide tables, notices to mariners. Trained on what pilots and port
authorities wrote between 1998 and 2026.

## Use

\`\`\`python
from transformers import pipeline

pipe = pipeline("text-generation", model="acme/harbor-7b")
pipe("The tide at Cuxhaven turns at")
\`\`\`

## Evaluation

| set | exact match |
| --- | --: |
| berth plans | 71.4 |
| tide questions | 88.0 |
| notices to mariners | 64.9 |
`

const files: Readonly<Record<string, string>> = {
  'README.md': card,
  'config.json': `${JSON.stringify({ architectures: ['LlamaForCausalLM'], hidden_size: 4096, num_hidden_layers: 32 }, null, 2)}\n`,
  'generation_config.json': `${JSON.stringify({ temperature: 0.7, top_p: 0.9 }, null, 2)}\n`,
  'tokenizer_config.json': `${JSON.stringify({ model_max_length: 8192 }, null, 2)}\n`,
  'eval/run.py': 'import json\n\n\ndef main():\n    print(json.dumps({"ok": True}))\n',
}

function lines(summary: string, contents: Readonly<Record<string, string>>): string {
  const header = { key: 'header', value: { summary } }
  const each = Object.entries(contents).map(([name, text]) => ({
    key: 'file',
    value: { path: name, content: Buffer.from(text).toString('base64'), encoding: 'base64' },
  }))
  return [header, ...each].map((line) => JSON.stringify(line)).join('\n')
}

function asking(url: string, token: string) {
  return async (method: string, address: string, body: object | string): Promise<void> => {
    const isLines = typeof body === 'string'
    const answer = await fetch(url + address, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': isLines ? 'application/x-ndjson' : 'application/json',
      },
      body: isLines ? body : JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${method} ${address} was answered ${answer.status}: ${await answer.text()}`)
  }
}

await main()
