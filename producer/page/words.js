/* What the page says: plain words for what the API names. */

export const plural = (n, one, many) => `${n.toLocaleString('en-GB')} ${n === 1 ? one : many}`;
export const lower = (text) => text.charAt(0).toLowerCase() + text.slice(1);
export const people = (n) => plural(n, 'person', 'people');

export const EVENTS = {
  'created': { title: 'New accounts', text: 'people who join get an account' },
  'profile-updated': { title: 'Profiles', text: 'names, addresses, titles and other details are updated' },
  'team-changed': { title: 'Teams', text: 'people are moved between teams' },
  'deactivated': { title: 'Leavers', text: 'accounts of people who left are deactivated' },
};
export const ALL_EVENTS = Object.keys(EVENTS);

export const REASONS = {
  HELD: { title: 'Waits for your decision', text: 'unusually many such changes came at once, so nobody is changed before you agree' },
  NO_EMAIL: { title: 'No e-mail address', text: 'HR has no e-mail address for them', mend: 'Enter the work e-mail address in HR.' },
  NO_NAME: { title: 'No name', text: 'HR has no first or last name for them', mend: 'Enter first and last name in HR.' },
  EMAIL_COLLISION: { title: 'Same e-mail address', text: 'somebody else has the same e-mail address', mend: 'Give one of the two another address in HR.' },
  NOT_YET: { title: 'Not yet time', text: 'their account is made later, before or on the day they start' },
  ABSENT_ONCE: { title: 'Missing from HR', text: 'they were missing when HR was last read; Rollcall looks again before it believes it' },
  REJECTED: { title: 'You decided: no change', text: 'somebody decided that they stay as they are, until HR changes again' },
  PAUSED: { title: 'Paused', text: 'this kind of change is paused' },
};

export const GONE = {
  INACTIVE: 'set inactive in HR',
  TERMINATION_DATE: 'last day',
  DELETED: 'deleted in HR',
  MISSING: 'missing from HR',
  OUT_OF_SCOPE: 'no longer among the people who are to be synchronised',
  RESYNC: 'has left',
};

export const FIELDS = {
  email: 'E-mail', first_name: 'First name', last_name: 'Last name', job_title: 'Job title', avatar: 'Picture',
  manager_email: 'Manager', language: 'Language', status: 'Status', hire_date: 'First day', leave_date: 'Last day',
  primary_location: 'Location', primary_team: 'Team', secondary_teams: 'Other teams',
};

export const STATUS = { ACTIVE: 'employed', LEAVE: 'on leave', PENDING: 'not started yet', INACTIVE: 'inactive', UNKNOWN: 'unknown' };

/* What a held list is about, and what the two answers to it do. */
export const CLASSES = {
  deactivations: {
    title: (n) => `${people(n)} would lose ${n === 1 ? 'their' : 'their'} Learn Amp account`,
    noun: 'deactivations',
    yes: (n) => `Deactivate ${people(n)}`,
    yesTitle: (n) => `Deactivate ${people(n)}?`,
    yesText: (n) => [`${people(n)} ${n === 1 ? 'loses' : 'lose'} their Learn Amp account: teams, tasks and enrolments are destroyed and cannot be brought back.`],
    danger: true,
    no: (n) => `Keep ${people(n)}`,
    noTitle: (n) => `Keep the ${n === 1 ? 'account' : 'accounts'} of ${people(n)}?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'keeps' : 'keep'} their Learn Amp account, although HR says that they left.`,
      'Rollcall asks again about somebody only when their status, leave date or presence in HR changes.'],
  },
  creations: {
    title: (n) => `${people(n)} would get a Learn Amp account`,
    noun: 'new accounts',
    yes: (n) => `Create ${plural(n, 'account', 'accounts')}`,
    yesTitle: (n) => `Create ${plural(n, 'account', 'accounts')}?`,
    yesText: (n, customer) => [`${people(n)} ${n === 1 ? 'gets' : 'get'} a Learn Amp account.`,
      customer.invites ? 'Learn Amp sends each of them an invitation by e-mail.' : 'Nobody is invited by e-mail.'],
    no: (n) => `Leave ${people(n)} out`,
    noTitle: (n) => `Leave ${people(n)} out?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'gets' : 'get'} no Learn Amp account.`,
      'Rollcall asks again about somebody only when their status, dates or address in HR change.'],
  },
  team_changes: {
    title: (n) => `${people(n)} would change teams`,
    noun: 'team changes',
    yes: (n) => `Move ${people(n)}`,
    yesTitle: (n) => `Move ${people(n)} to other teams?`,
    yesText: (n) => [`${people(n)} ${n === 1 ? 'is' : 'are'} moved to the teams that HR shows for them. What a team assigns to its members at Learn Amp follows.`],
    no: (n) => `Leave ${people(n)} where they are`,
    noTitle: (n) => `Leave ${people(n)} in their teams?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'stays' : 'stay'} in the present teams at Learn Amp.`, 'Rollcall asks again about somebody when their teams in HR change.'],
  },
  email_changes: {
    title: (n) => `${people(n)} would get another e-mail address`,
    noun: 'address changes',
    yes: (n) => `Change ${plural(n, 'address', 'addresses')}`,
    yesTitle: (n) => `Change ${plural(n, 'address', 'addresses')}?`,
    yesText: (n) => [`${people(n)} ${n === 1 ? 'signs' : 'sign'} in to Learn Amp with the new address from then on, and ${n === 1 ? 'gets' : 'get'} its mail there.`],
    no: (n) => `Keep ${plural(n, 'address', 'addresses')}`,
    noTitle: (n) => `Keep the present ${n === 1 ? 'address' : 'addresses'} of ${people(n)}?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'keeps' : 'keep'} the present address at Learn Amp.`, 'Rollcall asks again about somebody when their address in HR changes.'],
  },
  profile_changes: {
    title: (n) => `${plural(n, 'profile', 'profiles')} would change`,
    noun: 'profile changes',
    yes: (n) => `Change ${plural(n, 'profile', 'profiles')}`,
    yesTitle: (n) => `Change ${plural(n, 'profile', 'profiles')}?`,
    yesText: (n) => [`The Learn Amp ${n === 1 ? 'profile' : 'profiles'} of ${people(n)} ${n === 1 ? 'is' : 'are'} changed as the list shows.`],
    no: (n) => `Keep ${plural(n, 'profile', 'profiles')}`,
    noTitle: (n) => `Keep ${plural(n, 'profile', 'profiles')}?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'keeps' : 'keep'} the present profile at Learn Amp.`, 'Rollcall asks again about somebody when their details in HR change.'],
  },
  cleared_values: {
    title: (n) => `${people(n)} would lose details in their ${n === 1 ? 'profile' : 'profiles'}`,
    noun: 'emptied values',
    yes: (n) => `Empty the details of ${people(n)}`,
    yesTitle: (n) => `Empty details of ${people(n)}?`,
    yesText: (n) => [`What HR no longer has is emptied in the Learn Amp ${n === 1 ? 'profile' : 'profiles'} of ${people(n)}. Check first that Rollcall may still read these fields in HR: a permission that was taken away looks just like this.`],
    danger: true,
    no: (n) => `Keep the details of ${people(n)}`,
    noTitle: (n) => `Keep the details of ${people(n)}?`,
    noText: (n) => [`${people(n)} ${n === 1 ? 'keeps' : 'keep'} the present details at Learn Amp.`, 'Rollcall asks again about somebody when these fields in HR change.'],
  },
};

/* Why a change could not be delivered. */
export const DEAD = {
  REJECTED: { title: 'Learn Amp refused it', mend: 'Correct the value in HR or at Learn Amp, then try again.' },
  IDENTITY_CONFLICT: { title: 'The address belongs to somebody else at Learn Amp', mend: 'Find that user at Learn Amp and give them their own address, then try again.' },
  POISON: { title: 'The record cannot be read', mend: 'Ask IT: a newer release of Rollcall may read it.' },
};
export const DEAD_OTHER = { title: 'It was given up', mend: 'See what is said, then try again.' };

export const TRIGGERS = { POLL: 'By the clock', WEBHOOK: 'HR reported a change', SCHEDULE: 'A new day', COMMAND: 'Somebody asked for it', RESYNC: 'Somebody asked for it' };
