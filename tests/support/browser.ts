/**
 * A real Chromium for tests of pages. Where there is none it is said loudly; with HOLDFAST_TEST_REQUIRE_ALL that fails.
 * The scripts and styles of the pages come from the build, which `npm test` makes first: without one such a test fails.
 */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { assetUrl, findAsset } from '../../src/web/assets.ts'

const places = [
  process.env.HOLDFAST_TEST_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

/** The program, or null after saying how to get one. */
export function findChromium(): string | null {
  const found = places.find((place) => place !== undefined && existsSync(place))
  if (found !== undefined) {
    if (findAsset(assetUrl('styles.css').slice('/assets/'.length)) === null)
      throw new Error('Missing: the build. Run: npm run build')
    return found
  }
  const advice = 'apt-get install chromium, or name one in HOLDFAST_TEST_CHROMIUM'
  if (process.env.HOLDFAST_TEST_REQUIRE_ALL !== undefined) throw new Error(`Missing: Chromium. Install it: ${advice}`)
  console.warn(`\n  LEFT OUT: Chromium is missing. Install it: ${advice}\n`)
  return null
}

/** `keepsPages`: going back shows a page as it was left, as browsers of people do; otherwise it is loaded anew. */
export async function openBrowser(executablePath: string, keepsPages = false): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    ...(keepsPages ? { ignoreDefaultArgs: ['--disable-back-forward-cache'] } : {}),
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  })
}
