/** The chain over audited downloads, security webhooks, and how far each reader of the log has come. */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  // On SQLite an "integer" primary key would be the row number, which a dump leaves out.
  const number: ColumnDataType = 'bigint'
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .alterTable('organization')
    .addColumn('downloadAudit', text, (c) => c.notNull().defaultTo('restricted'))
    .execute()

  // Without references: a proof outlives the repo, the account and the token.
  await db.schema
    .createTable('auditedDownload')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('seal', int, (c) => c.notNull())
    .addColumn('hash', text, (c) => c.notNull())
    .addColumn('firstAt', int, (c) => c.notNull())
    .addColumn('lastAt', int, (c) => c.notNull())
    .addColumn('content', text, (c) => c.notNull())
    .addColumn('repoId', text, (c) => c.notNull())
    .addColumn('repoKind', text, (c) => c.notNull())
    .addColumn('repoName', text, (c) => c.notNull())
    .addColumn('ownerId', text, (c) => c.notNull())
    .addColumn('path', text)
    .addColumn('commits', text, (c) => c.notNull())
    .addColumn('via', text, (c) => c.notNull())
    .addColumn('actorKind', text, (c) => c.notNull())
    .addColumn('actorId', text)
    .addColumn('actorName', text, (c) => c.notNull())
    .addColumn('credentialKind', text)
    .addColumn('credentialId', text)
    .addColumn('credentialLast4', text)
    .addColumn('ip', text)
    .addColumn('userAgent', text)
    .addColumn('requests', int, (c) => c.notNull())
    .addColumn('bytes', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('auditedDownloadBySeal').on('auditedDownload').columns(['seal', 'id']).execute()
  await db.schema.createIndex('auditedDownloadByOwner').on('auditedDownload').columns(['ownerId', 'id']).execute()
  await db.schema
    .createIndex('auditedDownloadByRepo')
    .on('auditedDownload')
    .columns(['ownerId', 'repoName', 'id'])
    .execute()
  await db.schema
    .createIndex('auditedDownloadByActor')
    .on('auditedDownload')
    .columns(['ownerId', 'actorName', 'id'])
    .execute()
  await db.schema
    .createIndex('auditedDownloadByToken')
    .on('auditedDownload')
    .columns(['ownerId', 'credentialId', 'id'])
    .execute()

  await db.schema
    .createTable('downloadSeal')
    .addColumn('number', number, (c) => c.primaryKey().notNull())
    .addColumn('sealedAt', int, (c) => c.notNull())
    .addColumn('total', int, (c) => c.notNull())
    .addColumn('previous', text, (c) => c.notNull())
    .addColumn('hash', text, (c) => c.notNull())
    .addColumn('keptHashes', text)
    .execute()
  await db.schema
    .createTable('downloadCheckpoint')
    .addColumn('number', number, (c) => c.primaryKey().notNull())
    .addColumn('hash', text, (c) => c.notNull())
    .addColumn('total', int, (c) => c.notNull())
    .addColumn('madeAt', int, (c) => c.notNull())
    .addColumn('keyId', text, (c) => c.notNull())
    .addColumn('signature', text, (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('securityWebhook')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    // Null: of the whole hub.
    .addColumn('organizationId', text, (c) => c.references('organization.id').onDelete('cascade'))
    .addColumn('url', text, (c) => c.notNull())
    .addColumn('scopes', text, (c) => c.notNull())
    .addColumn('secret', text, (c) => c.notNull())
    .addColumn('oldSecret', text)
    .addColumn('oldSecretUntil', int)
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('isActive', int, (c) => c.notNull().defaultTo(1))
    .addColumn('switchedOffReason', text)
    .addColumn('seal', int, (c) => c.notNull())
    .addColumn('position', int, (c) => c.notNull())
    .addColumn('downloadSeal', int, (c) => c.notNull())
    .addColumn('nextAt', int, (c) => c.notNull())
    .addColumn('failures', int, (c) => c.notNull().defaultTo(0))
    .addColumn('failingSince', int)
    .addColumn('lastError', text)
    .addColumn('lastDeliveredAt', int)
    .addColumn('holder', text)
    .addColumn('leaseUntil', int, (c) => c.notNull().defaultTo(0))
    .execute()
  await db.schema
    .createIndex('securityWebhookByOwner')
    .on('securityWebhook')
    .columns(['organizationId', 'id'])
    .execute()
  await db.schema.createIndex('securityWebhookByTime').on('securityWebhook').columns(['isActive', 'nextAt']).execute()
  await db.schema
    .createTable('webhookDelivery')
    .addColumn('id', text, (c) => c.primaryKey().notNull())
    .addColumn('webhookId', text, (c) => c.notNull().references('securityWebhook.id').onDelete('cascade'))
    .addColumn('at', int, (c) => c.notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('status', int)
    .addColumn('error', text)
    .addColumn('events', int, (c) => c.notNull())
    .addColumn('tookMs', int, (c) => c.notNull())
    .addColumn('body', text, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('webhookDeliveryByWebhook').on('webhookDelivery').columns(['webhookId', 'id']).execute()
}
