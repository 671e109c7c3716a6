/**
 * The stable codes that say why access was refused: what `X-Hub-Denied` and JSON `denied{}` carry beside every 401 and 403. Scripts branch on
 * them, so a code is never renamed. An error of the catalogue with such a status goes by its own code unless it was thrown with a narrower one.
 */
interface Reason {
  readonly meaning: string
  readonly remedy: string
}

export const denialReasons = {
  // The credential
  invalid_credentials: {
    meaning: 'The credential is not one of this hub: it was never made here.',
    remedy:
      'Look whether the right token is set (HF_TOKEN, the saved login, the password that git keeps), and whether it belongs to this hub. The password of an account is never taken in place of a token.',
  },
  oauth_client_refused: {
    meaning: 'The application that asks for a sign-in is unknown, or does not prove that it is the one that it names.',
    remedy: 'Compare its client ID and its secret with those on the page of its settings.',
  },
  token_revoked: {
    meaning: 'This hub made the token, and it no longer holds: it was deleted or refreshed.',
    remedy: 'Use the value that it was refreshed to, or make a new token.',
  },
  token_expired: {
    meaning: 'The token, or the service account that it belongs to, has expired.',
    remedy: 'Refresh the token, or ask an administrator of the organization for a later expiry of the account.',
  },
  token_used_up: {
    meaning: 'The token was made for a number of requests, and they are used up.',
    remedy: 'Derive another child token, for more requests.',
  },
  owner_inactive: {
    meaning: 'The token is right, but whoever it belongs to is deactivated or disabled.',
    remedy: 'Ask an administrator of the hub (people) or of the organization (service accounts).',
  },
  unauthenticated: { meaning: 'Nobody is signed in.', remedy: 'Send an access token, or sign in.' },
  wrong_password: { meaning: 'The name and the password do not belong together.', remedy: 'Try again, or reset it.' },
  wrong_current_password: { meaning: 'It is not the current password.', remedy: 'Type it again, or reset it.' },
  wrong_code: { meaning: 'The code is wrong or was used.', remedy: 'Wait for the next code, or use a recovery code.' },
  passkey_refused: { meaning: 'The passkey was not accepted.', remedy: 'Try again, or use another second factor.' },
  fresh_sign_in: { meaning: 'The sign-in is too long ago for this.', remedy: 'Confirm who you are at /login/confirm.' },
  fresh_sign_in_needed: { meaning: 'As `fresh_sign_in`.', remedy: 'Confirm who you are at /login/confirm.' },
  xet_token_invalid: { meaning: 'The Xet token is not valid or has expired.', remedy: 'Start the transfer again.' },
  xet_token_mode: { meaning: 'The Xet token allows downloads only.', remedy: 'Fetch one from xet-write-token.' },
  xet_scope: { meaning: 'The address is of another scope than the Xet token.', remedy: 'Start the transfer again.' },
  xet_range_needed: {
    meaning: 'The address is for one range of bytes, and another was asked for.',
    remedy: 'Send exactly that range.',
  },
  address_not_valid: {
    meaning: 'The signed address has expired or was changed.',
    remedy: 'Start the transfer again: a new address is made for it.',
  },
  cross_site: { meaning: 'The request came from another website.', remedy: 'Open the page on this hub.' },

  // Fences and refreshed values
  token_outside_network: {
    meaning: 'The token is taken from its own networks alone; `have` is the address that the hub sees.',
    remedy: 'Use it from there, or change its networks.',
  },
  token_outside_program: {
    meaning: 'The token is taken from certain programs alone; `have` is what this one calls itself.',
    remedy: 'Use it from one of them, or change its programs.',
  },
  token_outside_paths: {
    meaning: 'The token reads files that match its patterns, one at a time, and changes nothing.',
    remedy: 'Ask for a file that `need` names, or change the patterns of the token.',
  },
  token_bytes_used_up: {
    meaning: 'The token takes so many bytes a day; `have` is what is left of `need`, which was asked for.',
    remedy: 'Wait until midnight (UTC), or change its limit.',
  },
  token_not_by_git: {
    meaning: 'A token with a limit of bytes takes nothing by git, where how much it will be is not known before.',
    remedy: 'Download files by their names, or use another token.',
  },
  token_not_yet: { meaning: 'The first day of the token has not come.', remedy: 'Wait, or change its first day.' },
  former_value: {
    meaning: 'The value was refreshed and is taken for a while only: it manages no tokens.',
    remedy: 'Use the value that it was refreshed to.',
  },

  own_temporary_role: {
    meaning: 'Whoever holds a temporary role cannot change or extend their own.',
    remedy: 'Ask another administrator.',
  },
  break_glass_off: {
    meaning: 'The organization takes no emergency administration.',
    remedy: 'Ask one of its administrators to give a role for a while, or to let it be taken.',
  },
  organization_token_off: {
    meaning: 'This hub takes no tokens of organizations (`api_org_...`).',
    remedy: 'Use a token of a service account.',
  },
  organization_token: {
    meaning: 'The deprecated token of an organization reads and writes repos; it manages nothing.',
    remedy: 'Use a service account, or do it as an administrator.',
  },

  // What the organization takes
  token_policy: {
    meaning: 'The organization takes only fine-grained tokens, and this is a classic one.',
    remedy: 'Make a fine-grained token that lists what is needed there.',
  },
  fine_grained_needed: { meaning: 'As `token_policy`.', remedy: 'Make a fine-grained token.' },
  token_lifetime: {
    meaning: 'The token lives longer than the organization allows, or never expires.',
    remedy: 'Make one that expires sooner.',
  },
  token_lives_too_long: { meaning: 'As `token_lifetime`.', remedy: 'Make one that expires sooner.' },
  token_pending: {
    meaning: 'No administrator of the organization has approved the token yet.',
    remedy: 'Ask one: they find it under Tokens that reach us.',
  },
  token_approval_pending: { meaning: 'As `token_pending`.', remedy: 'Ask an administrator of the organization.' },
  token_denied: {
    meaning: 'An administrator of the organization did not approve the token.',
    remedy: 'Ask why, or make one that lists less.',
  },
  token_approval_denied: { meaning: 'As `token_denied`.', remedy: 'Ask an administrator of the organization.' },
  token_revoked_here: {
    meaning: 'An administrator of the organization revoked the token for it; elsewhere it works.',
    remedy: 'Make a new token.',
  },
  token_administration: {
    meaning: 'The organization is not administered with classic tokens.',
    remedy: 'Use a session, or a fine-grained token with `org.write`.',
  },
  classic_token_administers: {
    meaning: 'As `token_administration`.',
    remedy: 'Use a session or a fine-grained token.',
  },

  // The gate of a repo
  gated_sign_in: {
    meaning: 'The repo is gated, and nobody is signed in.',
    remedy: 'Sign in, and ask for access on its page.',
  },
  gated_not_asked: { meaning: 'The repo is gated, and access was not asked for.', remedy: 'Ask on its page.' },
  gated_pending: {
    meaning: 'Access was asked for, and nobody has decided.',
    remedy: 'Wait for whoever looks after the repo.',
  },
  gated_rejected: { meaning: 'Access was rejected.', remedy: 'Ask whoever looks after the repo.' },
  gated_token: {
    meaning: 'The account has access, and the fine-grained token reaches behind no gate.',
    remedy: 'Let the token list the repo, or allow it all gated repos.',
  },
  access_ask_rejected: {
    meaning: 'A request was rejected, so another is not taken.',
    remedy: 'Ask whoever looks after the repo.',
  },

  // Its owner
  role: {
    meaning: 'The role of the account is too weak; `need` is the weakest that does, `have` the one that counts there.',
    remedy:
      'Ask an administrator of the resource for the role in `need`. In a workspace, the role in the workspace counts.',
  },
  forbidden: { meaning: 'As `role`.', remedy: 'Ask an administrator of the resource for a stronger role.' },
  instance_admin_needed: {
    meaning: 'Only administrators of the hub do this.',
    remedy: 'Ask one of them.',
  },
  create_forbidden: {
    meaning: 'No right to create repos in that namespace.',
    remedy: 'Ask for the role contributor in the organization, or use your own namespace.',
  },
  person_needed: {
    meaning: 'Only people do this: a service account, or the token of an organization, cannot.',
    remedy: 'Somebody who is a member can.',
  },
  service_account_namespace: {
    meaning: 'A service account has no namespace of its own.',
    remedy: 'Name its organization, which `need` says.',
  },
  service_account_disabled: { meaning: 'The service account is disabled.', remedy: 'Enable it first.' },
  service_account_expired: { meaning: 'The service account has expired.', remedy: 'Give it a later expiry first.' },
  account_deactivated: { meaning: 'The account is deactivated.', remedy: 'Ask an administrator of the hub.' },
  email_not_verified: { meaning: 'No verified e-mail address.', remedy: 'Open the link in the mail.' },
  company_sign_in_denied: {
    meaning: "The company's sign-in did not let the person through.",
    remedy: 'Begin again, or ask whoever looks after accounts there.',
  },
  company_sign_in_refused: {
    meaning: "What the company's sign-in answered does not hold: it is for another hub, browser or time.",
    remedy: 'Begin again. The log of the hub says more.',
  },
  company_account_unknown: {
    meaning: 'No account here is connected with that person of the company, and none is made.',
    remedy: 'Connect it under Settings, Connected sign-in, or ask an administrator of the hub for an account.',
  },
  company_email_needed: {
    meaning: 'The company names no verified address that may come in.',
    remedy: 'Ask an administrator of the hub, who decides which addresses may.',
  },
  company_identity_other: {
    meaning: 'It was confirmed by somebody else than who is signed in.',
    remedy: 'Sign in at the company as the one whom the account is connected with.',
  },
  company_not_recent: {
    meaning: 'The company does not say that the sign-in there was just now.',
    remedy: 'Sign out and in again.',
  },
  password_sign_in_off: {
    meaning: 'People sign in through the company here.',
    remedy: 'Use its button on the sign-in page.',
  },
  join_closed: { meaning: 'The hub takes no sign-ups.', remedy: 'Ask its administrator for an account.' },
  join_by_invitation: { meaning: 'Sign-up is by invitation only.', remedy: 'Ask for an invitation link.' },
  invitation_for_another: {
    meaning: 'The invitation is for another address.',
    remedy: 'Verify that address on your account.',
  },
  lock_of_another: {
    meaning: 'The lock belongs to somebody else.',
    remedy: 'An administrator of the repo can break it.',
  },

  // What the token lets through
  token_role: {
    meaning: 'The account may, but its token has a role that does not: a read token writes nothing.',
    remedy: 'Use a token with the role in `need`.',
  },
  token_permission: {
    meaning: 'The account may, but its token lists none of the permissions in `need` for this resource.',
    remedy: 'Add one of them to the token, for this resource, or use another token.',
  },
  session_needed: { meaning: 'No token does this, whatever its role.', remedy: 'Sign in on the website.' },
  child_token: {
    meaning: 'A child token makes, changes and refreshes no tokens, and is not changed itself.',
    remedy: 'Use the token that it was derived from.',
  },
  publisher_token: {
    meaning: 'A token that a trusted publisher got derives no child tokens.',
    remedy: 'Use the token itself, which lasts an hour, or exchange another ID token.',
  },
  token_needed: {
    meaning: 'Only a token derives child tokens; a session does not.',
    remedy: 'Send the access token that the child is to come from.',
  },
  beyond_minter: {
    meaning: 'A token cannot give a new one what it does not have.',
    remedy: 'Sign in, or use a token that has what is to be given.',
  },

  // What the organization and the content ask for
  second_factor: {
    meaning: 'The organization asks its members for a second factor, and the account has none.',
    remedy: 'Set one up under Settings, Password and sign-in.',
  },
  second_factor_required: { meaning: 'As `second_factor`.', remedy: 'Set up a second factor.' },
  repo_disabled: { meaning: 'An administrator withholds the repo.', remedy: 'Ask the administrator of the hub.' },
  content_held: {
    meaning: 'The content is held: a scanner found something in it.',
    remedy: 'An administrator of the repo sees what was found.',
  },
  signature_required: { meaning: 'Commits must be signed here.', remedy: 'Sign them and push again.' },
  commit_not_signed: { meaning: 'A commit is not signed as it must be.', remedy: 'Sign it and push again.' },
  commit_not_signed_there: {
    meaning: 'The starting point is a commit that is not signed as it must be.',
    remedy: 'Choose one that a branch or tag leads to.',
  },
  human_signature_only: {
    meaning: 'Authors sign their commits themselves here, so nothing goes through the API or the browser.',
    remedy: 'Commit with git, signed with your own key.',
  },
  model_not_signed: { meaning: 'Only signed models are handed out here.', remedy: 'Sign the model: model.sig.' },
} as const satisfies Record<string, Reason>

export type ReasonCode = keyof typeof denialReasons

export function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(denialReasons, code)
}
