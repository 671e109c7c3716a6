/** Asks the probe in another process what it saw. */
import { readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { LoopLag } from './loop-probe.ts'

export const probeArguments: readonly string[] = ['--import', fileURLToPath(new URL('loop-probe.ts', import.meta.url))]

export function probeEnvironment(file: string): Record<string, string> {
  return { LOOP_PROBE_FILE: file }
}

/** What the loop of process `pid` did since the last call; the first call of a round only clears. */
export async function readLag(pid: number, file: string): Promise<LoopLag> {
  await rm(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  for (let waited = 0; waited < 10_000; waited += 10) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    })
    if (text !== null) return JSON.parse(text) as LoopLag
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`The probe in process ${pid} did not answer.`)
}
