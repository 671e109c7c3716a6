/**
 * The one error class and the one catalogue of what can be refused or go wrong on purpose. Each entry says what happened and what to do
 * next; `access/error-reply.ts` is the only place that turns one into a response, in the dialect of the client that asked.
 * Texts marked "wire" are compared letter for letter by Hugging Face clients (hub-api.md, section 1.5).
 */

import { denialReasons, isReasonCode, type ReasonCode } from './reasons.ts'

/** Codes that the Hub's clients branch on (`X-Error-Code`). */
export type HubErrorCode = 'RepoNotFound' | 'RevisionNotFound' | 'EntryNotFound' | 'GatedRepo'

/** What OAuth clients branch on (RFC 6749, 8628 and 8693). */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'access_denied'
  | 'authorization_pending'
  | 'slow_down'
  | 'expired_token'
  | 'server_error'
  | 'temporarily_unavailable'

interface CatalogueEntry {
  readonly status: number
  readonly hub?: HubErrorCode
  /** Where it is told at an OAuth endpoint; else its status decides. */
  readonly oauth?: OAuthErrorCode
  /** `{name}` is filled from the error's params. */
  readonly message: string
  readonly next?: string
}

export const errorCatalogue = {
  // Who are you?
  invalid_credentials: {
    status: 401,
    message: 'Invalid credentials in Authorization header', // wire
    next: 'The reason says what is wrong with the token. Make a new one under Settings, Access Tokens.',
  },
  token_expired: {
    status: 401,
    message: 'Invalid credentials in Authorization header', // wire
    next: 'The token has expired. Refresh it under Settings, Access Tokens (one of a service account: an administrator of its organization does). Child tokens and those of CI jobs are got anew.',
  },
  token_used_up: {
    status: 401,
    message: 'Invalid credentials in Authorization header', // wire
    next: 'The token was made for a number of requests, and they are used up. Derive another one.',
  },
  two_credentials: { status: 400, message: 'The request has more than one Authorization header.', next: 'Send one.' },
  token_outside_network: {
    status: 403,
    message: 'This token is not taken from this address.',
    next: 'Use it from one of its networks, or change them on the page of the token.',
  },
  token_not_yet: {
    status: 403,
    message: 'This token is not taken yet.',
    next: 'Wait for its first day, or change that on the page of the token.',
  },
  token_outside_program: {
    status: 403,
    message: 'This token is taken from certain programs alone, and this request names none of them.',
    next: 'Use it from one of its programs, or change them on the page of the token.',
  },
  token_outside_paths: {
    status: 403,
    message: 'This token reads certain files alone, and changes nothing.',
    next: 'Ask for a file that its patterns name, one at a time, or change them on the page of the token.',
  },
  token_bytes_used_up: {
    status: 403,
    message: 'This token has taken away what it may on one day.',
    next: 'Come again after midnight (UTC), or change the limit on the page of the token.',
  },
  token_not_by_git: {
    status: 403,
    message: 'This token takes so many bytes a day, and what a fetch by git will take is not known before.',
    next: 'Download files by their names (hf download), or use another token.',
  },
  token_too_fast: {
    status: 429,
    message: 'This token makes more requests in a minute than it is allowed.',
    next: 'Try again in {seconds} seconds.',
  },
  token_in_query: {
    status: 400,
    message: 'A token in the address is not accepted: addresses are written to logs.',
    next: 'Send it as "Authorization: Bearer", and treat the one in the address as leaked.',
  },
  unauthenticated: {
    status: 401,
    message: 'Sign in to do this.',
    next: 'Send an access token, or sign in on the website.',
  },
  wrong_password: { status: 401, message: 'That name and password do not belong together.' },
  sign_in_expired: {
    status: 410,
    message: 'This sign-in took too long, or had too many wrong codes.',
    next: 'Begin again with your password.',
  },
  company_sign_in_off: {
    status: 404,
    message: 'This hub has no sign-in through a company.',
    next: 'Sign in with your password.',
  },
  company_sign_in_lost: {
    status: 410,
    message: 'This sign-in is not known here: it took too long, was finished before, or was begun in another browser.',
    next: 'Begin again.',
  },
  company_sign_in_denied: {
    status: 403,
    message: '{company} did not sign you in: {reason}.',
    next: 'Begin again, or ask whoever looks after accounts there.',
  },
  company_sign_in_refused: {
    status: 403,
    message: 'What {company} answered is not taken: {reason}.',
    next: 'Nobody was signed in. Begin again; if it stays, an administrator of this hub finds more in its log.',
  },
  company_unreachable: {
    status: 502,
    message: '{company} cannot be reached to sign you in.',
    next: 'Try again in a moment. Administrators of this hub find the reason in its log, and can sign in with their passwords.',
  },
  company_account_unknown: {
    status: 403,
    message: 'You have no account here that is connected with {company}.',
    next: 'If you have an account, sign in to it another way and connect it under Settings, Connected sign-in. Otherwise ask an administrator of this hub for one.',
  },
  company_account_exists: {
    status: 409,
    message: 'An account here has your e-mail address already, and is not connected with {company}.',
    next: 'Sign in to it another way and connect it under Settings, Connected sign-in.',
  },
  company_email_needed: {
    status: 403,
    message: '{company} does not say that one of the allowed e-mail addresses is yours.',
    next: 'Ask an administrator of this hub, who decides which addresses may come in.',
  },
  company_identity_taken: {
    status: 409,
    message: 'That account of {company} is connected with another account here.',
    next: 'Disconnect it there first, or sign in at {company} as somebody else.',
  },
  company_identity_other: {
    status: 403,
    message: 'You confirmed as somebody else than the one who is signed in here.',
    next: 'Sign in at {company} as the one whom your account is connected with.',
  },
  company_not_recent: {
    status: 403,
    message: '{company} did not say that you signed in there just now.',
    next: 'Sign out and in again: that counts as well.',
  },
  company_only_way: {
    status: 409,
    message: 'This is the only way in which you can sign in.',
    next: 'Set a password first, by "Forgot it?" on the sign-in page, or add a passkey.',
  },
  password_sign_in_off: {
    status: 403,
    message: 'People sign in with {company} here.',
    next: 'Use the button for it on the sign-in page. Passwords and passkeys are for administrators of the hub alone.',
  },
  company_group_mapped: {
    status: 409,
    message: 'That group gives something there already.',
    next: 'Remove what it gives now, then add it anew.',
  },
  company_groups_full: {
    status: 409,
    message: 'An organization maps at most {limit} groups.',
    next: 'Remove some that give nothing any more.',
  },
  wrong_code: {
    status: 403,
    message: 'That code is not right, or was used already.',
    next: 'Each code of an app counts once, for about a minute; each recovery code once for good.',
  },
  passkey_refused: {
    status: 403,
    message: 'That passkey was not accepted.',
    next: 'Try again. If it stays so, use another way to sign in, then remove the passkey and add it anew.',
  },
  passkeys_unavailable: {
    status: 400,
    message: 'Passkeys do not work on this hub: browsers allow them only by https, under a name.',
    next: 'Use an authenticator app. The administrator of this hub sets its address with HOLDFAST_URL.',
  },
  too_many_passkeys: { status: 400, message: 'An account has at most {most} passkeys.', next: 'Remove one first.' },
  totp_setup_expired: {
    status: 410,
    message: 'This setup of an authenticator app is too old, or was begun anew elsewhere.',
    next: 'Begin it again.',
  },
  second_factor_not_found: { status: 404, message: 'There is no such second factor on your account.' },
  too_many_attempts: { status: 429, message: 'Too many attempts.', next: 'Try again in {seconds} seconds.' },
  wrong_current_password: { status: 403, message: 'That is not your current password.' },
  email_not_verified: {
    status: 403,
    message: 'This hub asks for a verified e-mail address first.',
    next: 'Open the link that was sent to your address, or have a new one sent under Settings, Account and e-mail.',
  },
  account_deactivated: {
    status: 403,
    message: 'This account is deactivated.',
    next: 'An administrator of this hub can activate it again.',
  },
  cross_site: {
    status: 403,
    message: 'This request came from another website and was not carried out.',
    next: 'Open the page on this hub and try again.',
  },
  address_not_valid: {
    status: 403,
    message: 'This upload or download address has expired, or it was changed on the way.',
    next: 'Start the transfer again: a new address is made for it.',
  },
  mail_link_not_valid: {
    status: 400,
    message: 'This link was not made by this hub, or it was changed on the way.',
    next: 'Open the link as it stands in the mail, or sign in and switch the mail off under Account and e-mail in your settings.',
  },
  link_invalid: {
    status: 410,
    message: 'This link was used, has expired or is not complete.',
    next: 'Ask for a new one.',
  },
  join_closed: {
    status: 403,
    message: 'This hub does not take sign-ups.',
    next: 'Ask its administrator for an account.',
  },
  join_by_invitation: {
    status: 403,
    message: 'This hub takes sign-ups by invitation only.',
    next: 'Open the invitation link that its administrator made for you.',
  },

  // May you?
  forbidden: {
    status: 403,
    message: 'Your role on {resource} is {have}; this needs {need}.',
    next: 'Ask an administrator of {resource} for the role {need}.',
  },
  instance_admin_needed: { status: 403, message: 'This needs an administrator of this hub.' },
  // Of a gated repo: the beginning is the Hub's (wire), the rest says which of the reasons it is.
  gated_sign_in: {
    status: 401,
    hub: 'GatedRepo',
    message:
      'Access to {resource} is restricted. You must have access to it and be authenticated to access it. Please log in.',
    next: 'Sign in and ask for access on its page; in scripts, send an access token of an account that has it.',
  },
  gated_not_asked: {
    status: 403,
    hub: 'GatedRepo',
    message:
      'Access to {resource} is restricted and you are not in the authorized list. Visit its page on this hub to ask for access.',
    next: 'Ask on its page, signed in with the account of this token. A service account is let in by an administrator of its organization, there too.',
  },
  gated_pending: {
    status: 403,
    hub: 'GatedRepo',
    message:
      'Access to {resource} is restricted and you are not in the authorized list. Your request to access it is awaiting a review from the repo authors.',
    next: 'Nothing to do but wait. Its state is on the page of the repo and under Settings, Gated repositories.',
  },
  gated_rejected: {
    status: 403,
    hub: 'GatedRepo',
    message:
      "Access to {resource} is restricted and you are not in the authorized list. Your request to access it has been rejected by the repo's authors{reason}",
    next: 'It cannot be made again. Whoever looks after the repo can still take the rejection back.',
  },
  gated_token: {
    status: 403,
    hub: 'GatedRepo',
    message: 'Access to {resource} is restricted, and this token does not list it, though its owner may read it.',
    next: 'Edit the token under Settings, Access Tokens: add the repository, or tick "Read contents of all gated repositories I may access".',
  },
  gate_terms_changed: {
    status: 409,
    message: 'What is asked of you here has changed meanwhile. Nothing was sent.',
    next: 'Read it again, and agree again.',
  },
  gate_answer_missing: { status: 400, message: '"{name}": {reason}' },
  not_gated: { status: 400, message: '{resource} is not gated: nobody has to ask for access.' },
  access_not_needed: { status: 400, message: 'Nothing to ask for: {who} may read {resource} as it is.' },
  access_state: { status: 400, message: '{who} has asked for access to {resource} already: the request is {status}.' },
  access_granted_already: { status: 400, message: '{who} has access to {resource} already.' },
  access_ask_rejected: {
    status: 403,
    message: "Your request to access {resource} has been rejected by the repo's authors{reason}",
    next: 'It cannot be made again. They can still take the rejection back.',
  },
  access_request_missing: { status: 404, message: '{who} has not asked for access to {resource}.' },
  access_same_state: { status: 404, message: 'The request of {who} is {status} already.' },
  access_user_missing: { status: 404, message: 'There is no user "{who}" on this hub.' },
  create_forbidden: {
    status: 403,
    message: 'You don\'t have the rights to create a {kind} under the namespace "{namespace}".', // as the Hub says it
    next: 'Choose your own namespace, or an organization in which you have the role contributor.',
  },
  organization_token: {
    status: 403,
    message: 'The token of an organization reads and writes its repos. It manages nothing.',
    next: 'Use a service account, or do it as an administrator.',
  },
  organization_token_exists: {
    status: 409,
    message: 'An organization has one such token, and this one has it already. Nothing was made.',
    next: 'Refresh it, or delete it first.',
  },
  organization_token_off: {
    status: 409,
    message: 'Tokens of organizations are off on this hub (HOLDFAST_LEGACY_ORG_TOKENS). Nothing was made.',
    next: 'Use a service account instead.',
  },
  person_needed: {
    status: 403,
    message: 'Only people do this: a service account, or the token of an organization, cannot.',
    next: 'Somebody who is a member of the organization can.',
  },
  second_factor_required: {
    status: 403,
    message: 'This organization asks its members for a second factor, and your account has none.',
    next: 'Set one up under Settings, Password and sign-in. Until then you reach only what is public there.',
  },
  token_revoked_here: {
    status: 403,
    message: 'An administrator of this organization revoked this access token for it. Elsewhere it still works.',
    next: 'Make a new token, or ask an administrator of the organization.',
  },
  fine_grained_needed: {
    status: 403,
    message: 'This organization takes only fine-grained access tokens, and this one is a classic token.',
    next: 'Make a fine-grained token that lists what you need there.',
  },
  token_lives_too_long: {
    status: 403,
    message: 'This access token lives longer than this organization allows.',
    next: 'Make one that expires sooner: the organization says how many days it allows.',
  },
  token_approval_pending: {
    status: 403,
    message: 'This access token waits for an administrator of this organization to approve it.',
    next: 'Ask an administrator: they find it under Tokens that reach us in the settings of the organization.',
  },
  token_approval_denied: {
    status: 403,
    message: 'An administrator of this organization did not approve this access token.',
    next: 'Ask them why, or make a token that lists less.',
  },
  classic_token_administers: {
    status: 403,
    message: 'This organization is not administered with classic access tokens.',
    next: 'Sign in on the website, or use a fine-grained token with org.write.',
  },
  fresh_sign_in_needed: {
    status: 403,
    message: 'This needs a recent sign-in.',
    next: 'Confirm who you are at /login/confirm, then do it again.',
  },
  service_account_namespace: {
    status: 403,
    message: 'A service account has no namespace of its own.',
    next: 'Name its organization: "{organization}".',
  },
  service_account_disabled: {
    status: 403,
    message: '{account} is disabled: it can have no tokens.',
    next: 'Enable it first.',
  },
  service_account_expired: {
    status: 403,
    message: '{account} has expired: a token of it would be refused.',
    next: 'Give the account a later expiry first, or none.',
  },
  beyond_ceiling: {
    status: 422,
    message: '{permission} would give {account} nothing on {resource}: it needs the role {need} there, and has {have}.',
    next: 'Give the account that role, or leave the permission out.',
  },
  workspace_role_missing: {
    status: 422,
    message: '{resource} is in the workspace {workspace}, where {account} has no role.',
    next: 'Add the account to that workspace first.',
  },
  beyond_minter: {
    status: 403,
    message: 'This token cannot give what it does not have: {what}.',
    next: 'Leave it out, use a token that has it, or sign in on the website.',
  },
  former_value: {
    status: 403,
    message: 'This is the old value of a token that was refreshed: it makes and refreshes no tokens.',
    next: 'Use the new value of the token.',
  },
  child_token: {
    status: 403,
    message: 'A child token makes, changes and refreshes no tokens, and is itself not changed.',
    next: 'Use the token that it was derived from, or derive another child.',
  },
  publisher_token: {
    status: 403,
    message: 'A token that a trusted publisher got derives no child tokens.',
    next: 'Use the token itself, which lasts an hour, or exchange another ID token.',
  },
  token_needed: {
    status: 403,
    message: 'Only a token derives child tokens.',
    next: 'Send the access token that the child is to come from. On the website, make a fine-grained token.',
  },
  shrink_impossible: { status: 409, message: 'This token cannot be shrunk to what was used. {reason}' },
  too_many_child_tokens: {
    status: 409,
    message: 'A token has at most {most} child tokens at a time, and all tokens of an account {mostOfAll}.',
    next: 'Delete some, or wait until they have ended.',
  },
  session_needed: {
    status: 403,
    message: 'An access token cannot do this, whatever its role.',
    next: 'Sign in on the website.',
  },
  token_role: {
    status: 403,
    message: 'This token has the role {have}; this needs {need}.',
    next: 'Use a token with the role {need}, or a fine-grained token that lists the repo.',
  },
  token_permission: {
    status: 403,
    message: 'This token lacks the permission {need} on {resource}.',
    next: 'Add {need} to the token under Settings, Access Tokens, or use another token.',
  },

  // Is it there?
  repo_not_found: { status: 404, hub: 'RepoNotFound', message: 'Repository not found' },
  group_not_found: { status: 404, message: 'This organization has no such group.' },
  workspace_not_found: { status: 404, message: 'This organization has no such workspace (resource group).' },
  service_account_not_found: { status: 404, message: 'This organization has no such service account.' },
  revision_not_found: { status: 404, hub: 'RevisionNotFound', message: 'Invalid rev id: {revision}' },
  entry_not_found: { status: 404, hub: 'EntryNotFound', message: 'Entry not found' },
  file_to_delete_not_found: {
    status: 404,
    hub: 'EntryNotFound',
    message: 'A file with this name doesn\'t exist: "{path}"', // wire
  },
  repo_disabled: { status: 403, message: 'Access to this resource is disabled.' }, // wire
  content_held: { status: 403, message: 'Access to this resource is disabled.' }, // wire
  too_many_announcements: {
    status: 409,
    message: 'There are {limit} announcements already.',
    next: 'Take one back first: nobody reads so many.',
  },
  not_found: { status: 404, message: 'Not found' },
  user_not_found: { status: 404, message: 'This user does not exist' },
  organization_not_found: { status: 404, message: 'This organization does not exist' },
  method_not_allowed: { status: 405, message: 'This address does not take {method}.', next: 'It takes {allowed}.' },

  // Is it well formed?
  bad_request: { status: 400, message: '{reason}' },
  invalid_input: { status: 422, message: '{reason}' },
  invalid_json: { status: 400, message: 'The body is not valid JSON: {reason}' },
  invalid_ndjson: { status: 400, message: 'Line {line} of the commit is not valid: {reason}' },
  invalid_expand: { status: 400, message: '"expand" must be one of [{allowed}]' }, // wire
  invalid_metadata: { status: 400, message: 'Invalid metadata in README.md: {reason}' },
  body_too_large: { status: 413, message: 'The body is larger than {limit}.' },
  headers_too_large: { status: 431, message: 'The headers of the request are too large.', next: 'Send less in them.' },
  field_too_large: { status: 413, message: '{field} is larger than {limit}.' },
  unsupported_media_type: { status: 415, message: 'This address takes {allowed}.' },
  length_mismatch: {
    status: 400,
    message: 'The body ended after {received} of {expected} bytes. Nothing was stored.',
    next: 'Send the file again.',
  },
  hash_mismatch: {
    status: 400,
    message: 'The bytes have the SHA-256 {received}, not {expected}. Nothing was stored.',
    next: 'Send the file again.',
  },
  range_not_satisfiable: { status: 416, message: 'The file has {size} bytes; the range begins after its end.' },
  request_timeout: { status: 408, message: 'The request took too long to arrive.' },
  unsafe_path: { status: 422, message: 'The path "{path}" is not allowed: {reason}' },
  invalid_name: { status: 400, message: '{reason}' },
  invalid_ref_name: { status: 400, message: '"{ref}" is not a name for a branch or a tag: {reason}' },

  // OAuth
  unsupported_grant_type: {
    status: 400,
    oauth: 'unsupported_grant_type',
    message: 'This hub knows no grant type "{given}".',
    next: 'It takes: {known}.',
  },
  id_token_invalid: { status: 400, oauth: 'invalid_grant', message: 'This is no ID token that holds: {reason}.' },
  id_token_refused: {
    status: 400,
    oauth: 'invalid_grant',
    message: '{resource} has no trusted publisher that takes this ID token.',
    next: 'Look whether the resource is spelled as on this hub, whether it has a trusted publisher for the issuer {issuer}, and whether audience and claims of the ID token are what the publisher asks for. What differed stands in the audit log of the resource.',
  },
  id_token_used: {
    status: 400,
    oauth: 'invalid_grant',
    message: 'This ID token was exchanged already: each counts once.',
    next: 'Ask for a new one, or hand the access token that it gave to the other commands as HF_TOKEN.',
  },
  invalid_target: {
    status: 400,
    oauth: 'invalid_target',
    message: 'There is nothing called "{resource}" that a token could be for.',
    next: 'Name namespace/name, datasets/namespace/name, spaces/namespace/name or service-accounts/organization/name.',
  },
  issuer_unreachable: {
    status: 503,
    oauth: 'temporarily_unavailable',
    message: 'The keys of the issuer {issuer} could not be had.',
    next: 'Try again in a minute. If it stays so, the log of this hub says why.',
  },
  publisher_busy: {
    status: 429,
    oauth: 'slow_down',
    message: 'The runs of this trusted publisher hold {most} tokens that have not expired.',
    next: 'Exchange one ID token for each job, and wait until some have expired.',
  },
  oauth_grant_refused: { status: 400, oauth: 'invalid_grant', message: '{reason}' },
  oauth_client_refused: {
    status: 401,
    oauth: 'invalid_client',
    message: '{reason}',
    next: 'Look at the client ID and the secret of the application, on the page of its settings.',
  },
  oauth_client_unfit: { status: 400, oauth: 'unauthorized_client', message: '{reason}' },
  oauth_scope_refused: {
    status: 400,
    oauth: 'invalid_scope',
    message: 'The application cannot ask for "{scope}".',
    next: 'It may ask for: {known}.',
  },
  authorization_pending: {
    status: 400,
    oauth: 'authorization_pending',
    message: 'Nobody has answered for this device yet.',
    next: 'Ask again after {seconds} seconds.',
  },
  polled_too_fast: {
    status: 400,
    oauth: 'slow_down',
    message: 'This device asks too often.',
    next: 'Ask again after {seconds} seconds.',
  },
  device_code_expired: {
    status: 400,
    oauth: 'expired_token',
    message: 'This device code is unknown, used up or has expired.',
    next: 'Start the sign-in of the device again.',
  },
  device_denied: { status: 400, oauth: 'access_denied', message: 'The sign-in of this device was denied.' },
  oauth_request_refused: {
    status: 400,
    message: 'This sign-in cannot go on: {reason}',
    next: 'Nothing was sent to the application. Tell whoever makes it what stands here.',
  },
  user_code_unknown: {
    status: 400,
    message: 'No device waits with this code.',
    next: 'Compare it with the code that the device shows. Each is good for 15 minutes and for one answer.',
  },
  application_not_found: { status: 404, message: 'You have no application of this id.' },

  // Does it fit what is there?
  repo_exists: { status: 409, message: 'You already created this {kind} repo' },
  move_target_exists: { status: 409, message: 'A {kind} repository called {name} already exists' }, // wire
  restore_not_found: {
    status: 404,
    message: 'There is no deleted repo {name} that can be restored.',
    next: '"holdfast admin list-deleted-repos" lists those that can.',
  },
  restore_ambiguous: {
    status: 409,
    message: 'Several deleted repos were called {name}.',
    next: 'Give the id of one of them: {ids}.',
  },
  restore_name_taken: {
    status: 409,
    message: 'Another repo is called {name} now.',
    next: 'Restore it under another name with --as namespace/name.',
  },
  restore_owner_gone: {
    status: 409,
    message: 'The owner of {name} is gone.',
    next: 'Restore it in another namespace with --as namespace/name.',
  },
  name_taken: { status: 409, message: 'The name "{name}" is taken.', next: 'Choose another.' },
  token_revoked_already: {
    status: 409,
    message: 'This access token was revoked for this organization, which is for good.',
    next: 'Its owner can make a new one.',
  },
  own_token: {
    status: 400,
    message: 'This access token is your own.',
    next: 'Delete it under Settings, Access Tokens.',
  },
  token_name_taken: { status: 409, message: 'You already have a token with this name.', next: 'Choose another name.' },
  token_changed_meanwhile: {
    status: 409,
    message: 'Somebody changed this token at the same moment. Nothing was changed.',
    next: 'Look at it again, and repeat the change if it is still wanted.',
  },
  service_account_name_taken: {
    status: 409,
    message: 'This organization has a service account called "{name}".',
    next: 'Choose another name.',
  },
  email_taken: {
    status: 409,
    message: 'This address belongs to an account.',
    next: 'Sign in, or use another address.',
  },
  already_member: { status: 409, message: '{user} is a member of {organization} already.' },
  not_a_member: { status: 404, message: '{user} is not a member of {organization}.' },
  not_of_organization: {
    status: 404,
    message: '{organization} has no member and no service account called {name}.',
    next: 'Name a member by user name, a service account as sa- and its id.',
  },
  group_name_taken: { status: 409, message: '{organization} has a group called "{name}" already.' },
  already_in_group: { status: 409, message: '{name} is in this group already.' },
  not_in_group: { status: 404, message: '{name} is not in this group.' },
  workspace_name_taken: { status: 409, message: '{organization} has a workspace called "{name}" already.' },
  already_in_workspace: { status: 409, message: '{name} has a role in this workspace already. Nothing was changed.' },
  not_in_workspace: { status: 404, message: '{name} has no role of its own in this workspace.' },
  workspace_admin_needed: {
    status: 400,
    message: 'Only administrators of an organization make a workspace that nobody administers. Nothing was created.',
    next: 'Give somebody in "users" the role admin: yourself, for example.',
  },
  repo_in_other_workspace: {
    status: 409,
    message: '{repo} lies in {workspace}. Nothing was changed.',
    next: '{advice}',
  },
  seats_full: {
    status: 409,
    message: '{organization} has as many members as it may have: {limit}.',
    next: 'Remove a member first, or ask an administrator of this hub for a higher limit. Service accounts take no seat.',
  },
  already_invited: {
    status: 409,
    message: '{address} is invited to {organization} already.',
    next: 'Send the invitation again, or withdraw it first.',
  },
  invitation_not_found: { status: 404, message: 'This organization has no such invitation.' },
  invitation_for_another: {
    status: 403,
    message: 'This invitation is for another address than those that you have verified.',
    next: 'Add that address to your account and verify it, or ask to be invited under one of yours.',
  },
  own_factor_first: {
    status: 409,
    message: 'Your own account has no second factor: you would lock yourself out. Nothing was changed.',
    next: 'Set one up under Settings, Password and sign-in.',
  },
  temporary_role_weaker: {
    status: 409,
    message: 'A temporary role is stronger than the lasting one ({lasting}); {role} is not. Nothing was changed.',
    next: 'Give a stronger role for a while, or change the lasting one.',
  },
  own_temporary_role: {
    status: 403,
    message: 'Whoever holds a temporary role cannot change or extend their own. Nothing was changed.',
    next: 'Ask another administrator.',
  },
  no_temporary_role: {
    status: 404,
    message: 'There is no temporary role here, or it has ended already.',
  },
  break_glass_off: {
    status: 403,
    message: '{organization} takes no emergency administration. Nothing was changed.',
    next: 'Ask one of its administrators, who can give a role for a while, or let it be taken.',
  },
  break_glass_running: {
    status: 409,
    message: 'Your emergency administration of {organization} is running. It is not extended while it does.',
    next: 'When it has ended, it can be taken again, with a reason of its own.',
  },
  last_admin: {
    status: 409,
    message: '{organization} would be left without an administrator. Nothing was changed.',
    next: 'Make somebody else an administrator first.',
  },
  owns_organizations: {
    status: 409,
    message: 'You are the last administrator of {organizations}.',
    next: 'Make somebody else an administrator there first.',
  },
  access_changed: {
    status: 412,
    message: 'The access of {organization} is not as it was when this plan was made. Nothing was changed.',
    next: 'Plan again, look at the changes, and apply the file with the digest of that plan.',
  },
  own_administration: {
    status: 409,
    message: 'You would not administer {organization} any more.',
    next: 'Leave yourself the role admin, or say that you mean it: leaveAdministration=true.',
  },
  access_file_refused: {
    status: 422,
    message: 'The access file was not applied, and nothing was changed. {problems}',
    next: 'Mend the file, or let somebody apply it who may, and plan again.',
  },
  too_many_changes: {
    status: 422,
    message: 'This file changes {count} entries of {organization}; {most} are applied at once. Nothing was changed.',
    next: 'Apply it in parts: first a file with some of the changes, then the next one.',
  },
  reference_exists: { status: 409, message: 'Reference {ref} already exists' }, // wire
  cannot_delete_main: { status: 400, message: 'Cannot delete refs/heads/main' }, // wire
  branch_not_found: { status: 404, hub: 'RevisionNotFound', message: 'Invalid rev id: {revision}' }, // wire
  stale_parent: {
    status: 412,
    message: 'The branch was updated since you opened this page. Please refresh and try again.', // wire
  },
  changed_meanwhile: {
    status: 409,
    message: '"{path}" was changed since you opened this page. Nothing was overwritten.',
    next: 'Look at what changed, and decide again.',
  },
  ref_moved: {
    status: 409,
    message: 'The branch {ref} was updated while this commit was made. Nothing was changed.',
    next: 'Try again.',
  },
  rotated_meanwhile: {
    status: 409,
    message: 'Somebody refreshed this token at the same moment.',
    next: 'Reload the page.',
  },
  lfs_object_missing: {
    status: 422,
    message: 'The commit names {count} large file(s) that were not uploaded: {paths}',
    next: 'Upload them first, or push with git-lfs installed.',
  },
  lock_exists: { status: 409, message: 'This file is locked by {owner}.' },
  lock_of_another: {
    status: 403,
    message: 'This lock belongs to {owner}.',
    next: 'An administrator of the repo can break it: git lfs unlock --force.',
  },
  token_leaked: {
    status: 422,
    message: '{place} holds an access token of this hub (ending in {last4}). It was live, and is revoked now.',
    next: 'Take it out of the file and of every commit that you push, keep tokens in secrets or environment variables, and make a new one.',
  },
  secrets_in_push: {
    status: 422,
    message: 'Push protection of {owner} refuses what looks like a secret: {found}.',
    next: 'Take it out of every commit that you push, and make a new one if anybody has seen it. If it is no secret, an administrator of the repo can push it with a line "Secrets-Allowed: <why>" in the message of the newest commit.',
  },
  secrets_not_judged: {
    status: 503,
    message: 'Push protection of {owner} could not look at this push: {reason}',
    next: 'Try again in a moment. If it fails again, tell the administrator of the hub.',
  },
  push_rejected: { status: 422, message: '{reason}' },
  pull_requests_missing: {
    status: 501,
    message: 'This hub has no pull requests yet.',
    next: 'Commit to a branch: leave out create_pr.',
  },
  space_runtime_missing: {
    status: 501,
    message: 'This hub keeps spaces but does not run them: it cannot take {field}. Nothing was created.',
    next: 'Leave it out.',
  },
  xet_token_invalid: {
    status: 401,
    message: 'This Xet token is not valid here: it has expired, or this hub did not make it.',
    next: 'Start the transfer again: the client fetches a new one.',
  },
  xet_token_mode: {
    status: 403,
    message: 'This Xet token allows downloads only.',
    next: 'Ask for one at the address that ends in xet-write-token.',
  },
  xet_scope: {
    status: 403,
    message: 'This address belongs to another workspace or owner than the repo of the token.',
    next: 'Start the transfer again: the repo may have moved.',
  },
  xet_xorb_invalid: { status: 400, message: 'The xorb is not valid: {reason} Nothing was stored.' },
  xet_shard_invalid: { status: 400, message: 'The shard is not valid: {reason} Nothing was stored.' },
  xet_xorb_missing: {
    status: 400,
    message:
      'The shard names xorb {xorb}, which was not uploaded to this repo or its owner. Nothing was stored. The client may remember it from before: delete its cache, ~/.cache/huggingface/xet, and upload again.',
  },
  xet_file_missing: { status: 404, message: 'This repo has no such file.' },
  xet_chunk_unknown: { status: 404, message: 'No xorb is known for this chunk.' },
  xet_range_needed: {
    status: 403,
    message: 'This address is for one range of bytes; send it as "Range: bytes=first-last", and no If-Range.',
  },
  xet_no_grants: { status: 404, message: 'Xorbs are uploaded to this hub itself.', next: 'POST it to /v1/xorbs.' },

  // Our side
  rate_limited: { status: 429, message: 'Too many requests.', next: 'Try again in {seconds} seconds.' },
  busy: { status: 503, message: 'This hub is busy.', next: 'Try again in a moment.' },
  database_unreachable: {
    status: 503,
    message: 'The database behind this hub does not answer.',
    next: 'Try again in a moment. Whether a change that was under way was made is not known: look first.',
  },
  stopping: { status: 503, message: 'This hub is being restarted.', next: 'Try again in a moment.' },
  storage_full: {
    status: 507,
    message: 'The disk of this hub is full. Nothing was stored.',
    next: 'Tell its administrator.',
  },
  store_unreachable: {
    status: 503,
    message: 'The object storage behind this hub does not answer. Nothing was changed.',
    next: 'Try again in a moment. If it stays so, tell the administrator of this hub.',
  },
  store_refused: {
    status: 500,
    message: 'The object storage behind this hub refuses: {reason}',
    next: 'Tell the administrator of this hub: "holdfast doctor" says how to mend it.',
  },
  private_key_exposed: {
    status: 400,
    message: 'This is a private key: you exposed a secret. It was not stored.',
    next: 'Treat it as leaked: revoke or replace it, then add the public half of a new one.',
  },
  invalid_key: { status: 400, message: '{reason}' },
  key_taken: {
    status: 409,
    message: 'This key belongs to an account already.',
    next: 'A key signs for one account. Remove it there first, or make a new one.',
  },
  key_not_found: { status: 404, message: 'There is no such key.' },
  signature_required: {
    status: 403,
    message: '{place} takes only commits that are {level}.',
    next: 'Add your key under Settings, GPG and SSH keys; sign with: git rebase --exec "git commit --amend --no-edit -S" BASE; and push again.',
  },
  commit_not_signed: { status: 403, message: 'Commit {commit} "{title}": {reason}.' },
  commit_not_signed_there: {
    status: 403,
    message:
      '{place} takes only commits that are signed as its policy asks, and no branch or tag leads to {commit} "{title}" yet: {reason}.',
    next: 'Choose a starting point that a branch or tag leads to, or sign the commit and push it.',
  },
  model_not_signed: {
    status: 403,
    message: 'Only signed models are handed out here. {reason}',
    next: 'Sign the model with a key that its organization trusts, and upload the signature as model.sig.',
  },
  model_key_taken: { status: 409, message: 'The organization trusts it already.' },
  attestation_waiting: {
    status: 503,
    message: 'What this attestation tells is still being put together.',
    next: 'Ask again in a moment.',
  },
  attestation_too_large: {
    status: 422,
    message: 'An attestation tells of at most {most} files; this revision has more.',
  },
  policy_too_lax: {
    status: 400,
    message: '{place} asks for more: its repos may ask for as much, or more.',
  },
  human_signature_only: {
    status: 403,
    message:
      '{place} takes only commits that their authors sign themselves, so nothing through the API or the browser.',
    next: 'Commit with git, signed with your own key, and push.',
  },
  model_not_served: {
    status: 404,
    message: 'No server answers for {model}.',
    next: 'An administrator of the model can attach one under Settings, Inference.',
  },
  model_loading: {
    status: 503,
    message: 'Model {model} is currently loading', // wire
    next: 'Try again in a moment, or send the header "X-Wait-For-Model: true".',
  },
  model_not_runnable: {
    status: 422,
    message: 'This hub cannot run this model: {reason}',
    next: 'An administrator of the model can mend its files, or attach a server that runs it.',
  },
  embedded_missing: {
    status: 503,
    message:
      'This hub cannot run models by itself: the library {library} is not installed, or does not run on its machine.',
    next: 'Whoever runs the hub can add it: docs/inference.md, "Models on the hub itself", says how.',
  },
  embedded_failed: {
    status: 503,
    message: 'The process that runs models on this hub ended before it had answered.',
    next: 'It is started again. Try again in a moment.',
  },
  inference_unsupported: { status: 400, message: '{reason}' },
  backend_refused: { status: 400, message: 'The server of this model refuses the request: {reason}' },
  backend_failed: {
    status: 502,
    message: 'The server of this model failed: {reason}',
    next: 'Try again in a moment. If it goes on, tell an administrator of the model.',
  },
  inference_busy: {
    status: 503,
    message: 'All servers of this model are busy.',
    next: 'Try again in a moment.',
  },
  servers_changed: {
    status: 409,
    message: 'Somebody changed the servers of this model since you opened this page. Nothing was changed.',
    next: 'Look at them as they are now, and decide again.',
  },
  rate_limit_exceeded: {
    status: 429,
    message: 'The limit of {limit} of {whom} is used up.',
    next: 'Try again in {seconds} seconds. {raise}',
  },
  insufficient_quota: {
    status: 429,
    message: 'The limit of {limit} of {whom} is used up.',
    next: 'It begins anew with the next month (UTC), in {seconds} seconds. {raise}',
  },
  inference_limits_changed: {
    status: 412,
    message: 'Somebody changed these limits since you read them. Nothing was changed.',
    next: 'Look at them again, and decide again.',
  },
  internal: { status: 500, message: 'Something went wrong here, not with you.' },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof errorCatalogue

/** Why access was refused, for `X-Hub-Denied` and JSON `denied{}`. Never sent with a 404. */
export interface Denied {
  readonly code: ReasonCode
  readonly need?: string
  readonly have?: string
  /** What it is about (`model:acme/x`), where the caller may see that. */
  readonly entity?: string
}

export interface ErrorExtras {
  readonly denied?: Denied
  /** What the refusal names; null: nothing. Absent where nobody has said yet. */
  readonly entity?: string | null
  /** Overrides the catalogue's status: an anonymous caller gets 401 where others get 404 or 403 (AUTH-6). */
  readonly status?: number
  /** Extra response headers, such as `Retry-After` or `X-Repo-Commit`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Extra JSON members that a client reads beside `error`, such as `url` with a 409. */
  readonly body?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

export class HoldfastError extends Error {
  readonly code: ErrorCode
  readonly params: Readonly<Record<string, string | number>>
  readonly extras: ErrorExtras

  constructor(code: ErrorCode, params: Readonly<Record<string, string | number>> = {}, extras: ErrorExtras = {}) {
    super(fill(errorCatalogue[code].message, params), extras.cause === undefined ? undefined : { cause: extras.cause })
    this.name = 'HoldfastError'
    this.code = code
    this.params = params
    this.extras = extras
  }

  get entry(): CatalogueEntry {
    return errorCatalogue[this.code]
  }

  get status(): number {
    return this.extras.status ?? this.entry.status
  }

  /** Why access was refused. Null for a 404 and for a 401 that hides a repo, and for what is no refusal (AUTH-6). */
  get denied(): Denied | null {
    if (this.entry.status === 404 || (this.status !== 401 && this.status !== 403)) return null
    const denied = this.extras.denied ?? (isReasonCode(this.code) ? { code: this.code } : null)
    return denied === null || this.extras.entity == null ? denied : { ...denied, entity: this.extras.entity }
  }

  /** The same error about a thing with a name. What already says what it is about stays. */
  about(entity: string | null): HoldfastError {
    if (this.denied === null || this.extras.entity !== undefined) return this
    return new HoldfastError(this.code, this.params, { ...this.extras, entity })
  }

  /** What the reader can do about it, or null where the message says it all. */
  get next(): string | null {
    // One text for every credential that does not hold (AUTH-6): which of the reasons it is decides what to do.
    if (this.code === 'invalid_credentials' && this.denied !== null) {
      const { meaning, remedy } = denialReasons[this.denied.code]
      return `${meaning} ${remedy}`
    }
    return this.entry.next === undefined ? null : fill(this.entry.next, this.params)
  }
}

function fill(template: string, params: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole))
}

/** What is decided, where a "no" is an answer and not the end: the refusal in place of the value. Faults of the hub are thrown. */
export async function orRefusal<T>(decide: () => T | Promise<T>): Promise<T | HoldfastError> {
  try {
    return await decide()
  } catch (error) {
    if (error instanceof HoldfastError && error.status < 500) return error
    throw error
  }
}
