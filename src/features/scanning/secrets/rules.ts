/**
 * The rules by which secrets are found: those that secretlint recommends, each with what it is called for people. Left out are the one that lets
 * a comment in the file switch rules off, and the one for tokens that begin with `hf_`, which `find-secrets.ts` reads with digits too.
 */
import { rules as recommended } from '@secretlint/secretlint-rule-preset-recommend'
import type { SecretLintCoreConfig } from '@secretlint/types'

const prefix = '@secretlint/secretlint-rule-'
const leftOut: readonly string[] = ['filter-comments', 'huggingface']

const kinds: Readonly<Record<string, string>> = {
  aws: 'AWS secret access key',
  gcp: 'Google Cloud service account key',
  npm: 'npm token',
  basicauth: 'password in an address',
  openai: 'OpenAI API key',
  anthropic: 'Anthropic API key',
  groq: 'Groq API key',
  linear: 'Linear API key',
  notion: 'Notion token',
  privatekey: 'private key',
  sendgrid: 'SendGrid API key',
  shopify: 'Shopify token',
  slack: 'Slack token',
  stripe: 'Stripe API key',
  github: 'GitHub token',
  gitlab: 'GitLab token',
  grafana: 'Grafana token',
  '1password': '1Password token',
  'database-connection-string': 'password of a database',
  'hashicorp-vault': 'Vault token',
  vercel: 'Vercel token',
  databricks: 'Databricks token',
  docker: 'Docker access token',
  figma: 'Figma token',
  cloudflare: 'Cloudflare token',
  tailscale: 'Tailscale key',
}

/** Kinds whose match is a whole address, not the secret alone. */
export const addressKinds: readonly (string | undefined)[] = [kinds.basicauth, kinds['database-connection-string']]
export const hubTokenKind = 'Hugging Face or Holdfast access token'

export const ruleSet: SecretLintCoreConfig = {
  rules: recommended
    .map((rule) => ({ id: rule.meta.id, rule }))
    .filter(({ id }) => !leftOut.includes(id.slice(prefix.length))),
}

export function kindOf(ruleId: string): string {
  const name = ruleId.slice(prefix.length)
  return kinds[name] ?? name
}
