/**
 * The first tables: identity, repos, content, jobs and events. Never edited once merged; what changes later is a later migration.
 * One file serves both dialects: column types are `text`, `integer` (SQLite) or `bigint` (PostgreSQL) and nothing else.
 */
import { type ColumnDataType, type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>, dialect: 'sqlite' | 'postgres'): Promise<void> {
  const int: ColumnDataType = dialect === 'postgres' ? 'bigint' : 'integer'
  // Names and ids compare byte by byte on both dialects, so that keyset pages agree with the index.
  const text = dialect === 'postgres' ? sql`text collate "C"` : sql`text`

  await db.schema
    .createTable('namespace')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('nameKey', text, (c) => c.notNull().unique())
    .addColumn('createdAt', int, (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('retiredName')
    .addColumn('nameKey', text, (c) => c.primaryKey())
    .addColumn('namespaceId', text, (c) => c.notNull())
    .addColumn('retiredAt', int, (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('user')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('fullname', text)
    .addColumn('passwordHash', text)
    .addColumn('passwordChangedAt', int)
    .addColumn('isAdmin', int, (c) => c.notNull())
    .addColumn('state', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('email')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('userId', text, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('address', text, (c) => c.notNull())
    .addColumn('addressKey', text, (c) => c.notNull())
    .addColumn('verifiedAt', int)
    .addColumn('isPrimary', int, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('emailByUser').on('email').columns(['userId', 'addressKey']).unique().execute()
  await db.schema.createIndex('emailByAddress').on('email').column('addressKey').execute()
  // Anybody may claim an address; only one account may have proved it.
  await sql`create unique index "emailVerified" on "email" ("addressKey") where "verifiedAt" is not null`.execute(db)

  await db.schema
    .createTable('session')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('tokenHash', text, (c) => c.notNull().unique())
    .addColumn('userId', text, (c) => c.notNull().references('user.id').onDelete('cascade'))
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('lastUsedAt', int, (c) => c.notNull())
    .addColumn('lastIp', text)
    .addColumn('userAgent', text)
    .addColumn('expiresAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('sessionByUser').on('session').column('userId').execute()
  await db.schema.createIndex('sessionByExpiry').on('session').column('expiresAt').execute()

  await db.schema
    .createTable('oneTimeLink')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('tokenHash', text, (c) => c.notNull().unique())
    .addColumn('purpose', text, (c) => c.notNull())
    .addColumn('userId', text, (c) => c.references('user.id').onDelete('cascade'))
    .addColumn('emailId', text, (c) => c.references('email.id').onDelete('cascade'))
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('expiresAt', int, (c) => c.notNull())
    .addColumn('usedAt', int)
    .execute()
  await db.schema.createIndex('oneTimeLinkByUser').on('oneTimeLink').columns(['userId', 'purpose']).execute()
  await db.schema.createIndex('oneTimeLinkByExpiry').on('oneTimeLink').column('expiresAt').execute()

  await db.schema
    .createTable('accessToken')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('hash', text, (c) => c.notNull().unique())
    .addColumn('last4', text, (c) => c.notNull())
    .addColumn('ownerId', text, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('role', text, (c) => c.notNull())
    .addColumn('canReadGatedRepos', int, (c) => c.notNull())
    .addColumn('globalPermissions', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('rotatedAt', int)
    .addColumn('expiresAt', int)
    .addColumn('lastUsedAt', int)
    .addColumn('lastIp', text)
    .addColumn('lastUserAgent', text)
    .execute()
  await db.schema.createIndex('accessTokenByOwner').on('accessToken').columns(['ownerId', 'name']).unique().execute()

  await db.schema
    .createTable('tokenGrant')
    .addColumn('tokenId', text, (c) => c.notNull().references('accessToken.id').onDelete('cascade'))
    .addColumn('entityType', text, (c) => c.notNull())
    .addColumn('entityId', text, (c) => c.notNull())
    .addColumn('entityName', text, (c) => c.notNull())
    .addColumn('permissions', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('tokenGrantKey', ['tokenId', 'entityId'])
    .execute()
  await db.schema.createIndex('tokenGrantByEntity').on('tokenGrant').column('entityId').execute()

  await db.schema
    .createTable('organization')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('fullname', text)
    .addColumn('defaultVisibility', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('createdBy', text, (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('workspace')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('organizationId', text, (c) => c.notNull().references('organization.id').onDelete('cascade'))
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('nameKey', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('workspaceByName')
    .on('workspace')
    .columns(['organizationId', 'nameKey'])
    .unique()
    .execute()

  await db.schema
    .createTable('roleGrant')
    .addColumn('targetId', text, (c) => c.notNull())
    .addColumn('targetKind', text, (c) => c.notNull())
    .addColumn('principalId', text, (c) => c.notNull())
    .addColumn('principalKind', text, (c) => c.notNull())
    .addColumn('role', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('createdBy', text)
    .addPrimaryKeyConstraint('roleGrantKey', ['targetId', 'principalId'])
    .execute()
  await db.schema
    .createIndex('roleGrantByPrincipal')
    .on('roleGrant')
    .columns(['principalId', 'targetKind', 'targetId'])
    .execute()

  // SQLite's search index points at rows by number, and VACUUM renumbers rows that have no column for it.
  const repo =
    dialect === 'sqlite'
      ? db.schema
          .createTable('repo')
          .addColumn('rowNumber', int, (c) => c.primaryKey())
          .addColumn('id', text, (c) => c.notNull().unique())
      : db.schema.createTable('repo').addColumn('id', text, (c) => c.primaryKey())
  await repo
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('ownerId', text, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('nameKey', text, (c) => c.notNull())
    .addColumn('fullName', text, (c) => c.notNull())
    .addColumn('fullNameKey', text, (c) => c.notNull())
    .addColumn('visibility', text, (c) => c.notNull())
    .addColumn('creatorId', text, (c) => c.notNull())
    .addColumn('workspaceId', text)
    .addColumn('description', text)
    .addColumn('disabledAt', int)
    .addColumn('headCommit', text)
    .addColumn('cardCommit', text)
    .addColumn('cardData', text)
    .addColumn('config', text)
    .addColumn('tags', text, (c) => c.notNull().defaultTo('[]'))
    .addColumn('pipelineTag', text)
    .addColumn('libraryName', text)
    .addColumn('sdk', text)
    .addColumn('downloads', int, (c) => c.notNull().defaultTo(0))
    .addColumn('downloadsAllTime', int, (c) => c.notNull().defaultTo(0))
    .addColumn('likes', int, (c) => c.notNull().defaultTo(0))
    .addColumn('trendingScore', int, (c) => c.notNull().defaultTo(0))
    .addColumn('usedStorage', int, (c) => c.notNull().defaultTo(0))
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('updatedAt', int, (c) => c.notNull())
    .addColumn('deletedAt', int)
    .execute()
  // A deleted repo frees its name; its row stays until the bytes are collected.
  await sql`create unique index "repoByName" on "repo" ("ownerId", "kind", "nameKey") where "deletedAt" is null`.execute(
    db,
  )
  await sql`create index "repoByDeletion" on "repo" ("deletedAt") where "deletedAt" is not null`.execute(db)
  await createRepoLists(db)
  await (dialect === 'sqlite' ? createSqliteRepoSearch(db) : createPostgresRepoSearch(db))

  await db.schema
    .createTable('repoTag')
    .addColumn('repoId', text, (c) => c.notNull().references('repo.id').onDelete('cascade'))
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('tag', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('repoTagKey', ['repoId', 'tag'])
    .execute()
  await db.schema.createIndex('repoTagByTag').on('repoTag').columns(['kind', 'tag', 'repoId']).execute()

  await db.schema
    .createTable('repoRedirect')
    .addColumn('ownerId', text, (c) => c.notNull())
    .addColumn('kind', text, (c) => c.notNull())
    .addColumn('nameKey', text, (c) => c.notNull())
    .addColumn('repoId', text, (c) => c.notNull().references('repo.id').onDelete('cascade'))
    .addColumn('createdAt', int, (c) => c.notNull())
    .addPrimaryKeyConstraint('repoRedirectKey', ['ownerId', 'kind', 'nameKey'])
    .execute()
  await db.schema.createIndex('repoRedirectByRepo').on('repoRedirect').column('repoId').execute()

  await db.schema
    .createTable('refIntent')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('repoId', text, (c) => c.notNull())
    .addColumn('ref', text, (c) => c.notNull())
    .addColumn('oldOid', text, (c) => c.notNull())
    .addColumn('newOid', text, (c) => c.notNull())
    .addColumn('event', text, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('refIntentByRepo').on('refIntent').columns(['repoId', 'ref']).execute()

  await db.schema
    .createTable('event')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('at', int, (c) => c.notNull())
    .addColumn('action', text, (c) => c.notNull())
    .addColumn('actorKind', text, (c) => c.notNull())
    .addColumn('actorId', text)
    .addColumn('actorName', text, (c) => c.notNull())
    .addColumn('credentialKind', text)
    .addColumn('credentialId', text)
    .addColumn('credentialLast4', text)
    .addColumn('resourceKind', text, (c) => c.notNull())
    .addColumn('resourceId', text)
    .addColumn('resourceName', text)
    .addColumn('ownerId', text)
    .addColumn('ip', text)
    .addColumn('userAgent', text)
    .addColumn('requestId', text)
    .addColumn('data', text, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('eventByOwner').on('event').columns(['ownerId', 'id']).execute()
  await db.schema.createIndex('eventByActor').on('event').columns(['actorId', 'id']).execute()
  await db.schema.createIndex('eventByResource').on('event').columns(['resourceId', 'id']).execute()

  await db.schema
    .createTable('blob')
    .addColumn('sha256', text, (c) => c.primaryKey())
    .addColumn('size', int, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('leaseUntil', int, (c) => c.notNull())
    .addColumn('leaseGeneration', int, (c) => c.notNull().defaultTo(0))
    .execute()
  await db.schema.createIndex('blobByLease').on('blob').column('leaseUntil').execute()

  await db.schema
    .createTable('repoBlob')
    .addColumn('repoId', text, (c) => c.notNull().references('repo.id').onDelete('cascade'))
    .addColumn('sha256', text, (c) => c.notNull())
    .addColumn('size', int, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('referencedAt', int)
    .addPrimaryKeyConstraint('repoBlobKey', ['repoId', 'sha256'])
    .execute()
  await db.schema.createIndex('repoBlobByBlob').on('repoBlob').column('sha256').execute()

  await db.schema
    .createTable('upload')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('repoId', text, (c) => c.notNull().references('repo.id').onDelete('cascade'))
    .addColumn('ownerId', text, (c) => c.notNull())
    .addColumn('sha256', text, (c) => c.notNull())
    .addColumn('size', int, (c) => c.notNull())
    .addColumn('partSize', int, (c) => c.notNull())
    .addColumn('createdAt', int, (c) => c.notNull())
    .addColumn('expiresAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('uploadByExpiry').on('upload').column('expiresAt').execute()

  await db.schema
    .createTable('lfsLock')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('repoId', text, (c) => c.notNull().references('repo.id').onDelete('cascade'))
    .addColumn('path', text, (c) => c.notNull())
    .addColumn('ref', text)
    .addColumn('ownerId', text, (c) => c.notNull())
    .addColumn('lockedAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('lfsLockByPath').on('lfsLock').columns(['repoId', 'path']).unique().execute()

  await db.schema
    .createTable('job')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('queue', text, (c) => c.notNull())
    .addColumn('payload', text, (c) => c.notNull())
    .addColumn('state', text, (c) => c.notNull())
    .addColumn('runAt', int, (c) => c.notNull())
    .addColumn('attempts', int, (c) => c.notNull())
    .addColumn('maxAttempts', int, (c) => c.notNull())
    .addColumn('leaseUntil', int)
    .addColumn('worker', text)
    .addColumn('dedupKey', text, (c) => c.unique())
    .addColumn('lastError', text)
    .addColumn('createdAt', int, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('jobByRunAt').on('job').columns(['state', 'queue', 'runAt']).execute()

  await db.schema
    .createTable('throttle')
    .addColumn('key', text, (c) => c.primaryKey())
    .addColumn('count', int, (c) => c.notNull())
    .addColumn('windowStartedAt', int, (c) => c.notNull())
    .addColumn('blockedUntil', int)
    .execute()
  await db.schema.createIndex('throttleByWindow').on('throttle').column('windowStartedAt').execute()

  await db.schema
    .createTable('instance')
    .addColumn('key', text, (c) => c.primaryKey())
    .addColumn('value', text, (c) => c.notNull())
    .execute()
}

/**
 * One index for each source that a list of repos is merged from (access/visible-repos.ts) and each order it may have: all public repos,
 * an owner's public ones, and the others by what opens them: their workspace, else their owner; all of an owner's workspaces for its
 * administrators. So every page of every list is read from its first row on, whoever looks.
 */
async function createRepoLists(db: Kysely<unknown>): Promise<void> {
  const sources = {
    Public: [sql`"kind"`, sql`"visibility" = 'public'`],
    PublicOfOwner: [sql`"ownerId", "kind"`, sql`"visibility" = 'public'`],
    Hidden: [sql`(coalesce("workspaceId", "ownerId")), "kind"`, sql`"visibility" <> 'public'`],
    HiddenInWorkspaces: [sql`"ownerId", "kind"`, sql`"visibility" <> 'public' and "workspaceId" is not null`],
  } as const
  const orders = ['createdAt', 'updatedAt', 'downloads', 'likes', 'trendingScore']
  for (const [source, [columns, condition]] of Object.entries(sources)) {
    for (const order of orders) {
      const name = `repo${source}By${order.charAt(0).toUpperCase()}${order.slice(1)}`
      await sql`create index ${sql.id(name)} on "repo" (${columns}, ${sql.id(order)}, "id")
        where ${condition} and "deletedAt" is null`.execute(db)
    }
  }
}

/**
 * Names by their trigrams, kept in step by triggers. A first trigram of signs that no name contains says kind and whether the repo is
 * public, so that a search never touches names which the searcher may not see. Two blanks at the end make every two characters the
 * beginning of a trigram.
 */
async function createSqliteRepoSearch(db: Kysely<unknown>): Promise<void> {
  await sql`create virtual table "repoSearch" using fts5 ("name", content='', contentless_delete=1, detail=none, tokenize='trigram')`.execute(
    db,
  )
  const text = sql`case when new."visibility" = 'public' then '+' else '!' end || case new."kind" when 'model' then '**' when 'dataset' then '##' else '@@' end
    || new."fullNameKey" || '  '`
  const insert = sql`insert into "repoSearch" ("rowid", "name") select new."rowNumber", ${text} where new."deletedAt" is null`
  const remove = sql`delete from "repoSearch" where "rowid" = old."rowNumber"`
  await sql`create trigger "repoSearchInsert" after insert on "repo" begin ${insert}; end`.execute(db)
  await sql`create trigger "repoSearchUpdate" after update of "fullNameKey", "visibility", "kind", "deletedAt" on "repo"
    begin ${remove}; ${insert}; end`.execute(db)
  await sql`create trigger "repoSearchDelete" after delete on "repo" begin ${remove}; end`.execute(db)
}

/**
 * The same by pg_trgm, wherever that extension lives. Where it cannot be made (no right, not installed) search still works, by reading
 * the names in order; docs/decisions/0006-lists-of-repos.md says how to add the extension and these two indexes later.
 */
async function createPostgresRepoSearch(db: Kysely<unknown>): Promise<void> {
  await sql`do $do$
    declare home text;
    begin
      begin
        create extension if not exists pg_trgm with schema public;
      exception when others then
        -- Two programs that start together collide here; the other one made it.
        null;
      end;
      select n.nspname into home from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm';
      if home is not null then
        execute format('create index "repoSearchPublic" on "repo" using gin ("fullNameKey" %I.gin_trgm_ops) where "visibility" = ''public'' and "deletedAt" is null', home);
        execute format('create index "repoSearchHidden" on "repo" using gin ("fullNameKey" %I.gin_trgm_ops) where "visibility" <> ''public'' and "deletedAt" is null', home);
      end if;
    end
  $do$`.execute(db)
}
