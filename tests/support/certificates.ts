/** Certificates that sign themselves, made by openssl. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

/** PEM. `name` is what it is good for, such as `IP:127.0.0.1` or `DNS:log.example.org`. */
export async function makeCertificate(folder: string, name: string): Promise<{ key: string; cert: string }> {
  const base = path.join(folder, randomBytes(4).toString('hex'))
  const to = ['-keyout', `${base}.key`, '-out', `${base}.pem`]
  const what = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=log']
  await promisify(execFile)('openssl', ['req', '-x509', ...what, ...to, '-addext', `subjectAltName=${name}`])
  return { key: await readFile(`${base}.key`, 'utf8'), cert: await readFile(`${base}.pem`, 'utf8') }
}
